"""Two components that are mirror images, each with probability one half: the hidden label is a sign."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from emlib.data import Data, require_data
from emlib.models.mixture import MixtureModel
from emlib.numerics import Array

SIGNS = np.array([1.0, -1.0])


class SymmetricModel(MixtureModel):
    """A mixture of +theta and -theta; a subclass gives `_signed_scores` in the place of `_scores`."""

    n_components: ClassVar[int] = 2  # type: ignore[misc]  # of other mixtures a setting

    def _random_signs(self, n: int, rng: np.random.Generator) -> Array:
        signs: Array = rng.choice(SIGNS, n)
        return signs

    @abstractmethod
    def _signed_scores(self, params: Any, data: Data) -> Array:
        """Return the part of the score that the hidden sign multiplies, shape (n, p)."""

    def _scores(self, params: Any, data: Data) -> Sequence[Array]:
        found = self._signed_scores(params, data)
        return [found, -found]

    def missing_information(self, params: Any, data: Data) -> Array:
        """Return Louis's missing information, the sum of Var(sign | y) s s', s the signed score, shape (p, p)."""
        require_data(data)
        found, scores = self._posterior(params, data), self._signed_scores(params, data)
        spread = 4 * found.memberships[:, 0] * found.responsibilities[:, 1]  # Var of a sign with these chances
        missing: Array = scores.T @ (spread[:, None] * scores)
        return missing

    def degenerate(self, params: Any, data: Data) -> str | None:
        """Return None: both components have half of the units."""
        return None

    def separate(self, params: Any, data: Data, rng: np.random.Generator) -> tuple[Any, str] | None:
        """Nudge parameters of exactly zero, where both components agree; None elsewhere."""
        if np.any(self.space.pack(params, "standard")):
            return None
        return self._nudged(params, data, rng), "components 0 and 1 started equal"
