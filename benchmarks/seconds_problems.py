"""Problems of the part `seconds`: models that a peer fits, too, from a thousand units to a million.

Each draw has a seed of its own, which neither the default of `fit` nor the part `optimum` was tuned on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from benchmarks.optimum_problems import Draw, Given, clouds, dynamics, factors, line, normal_chain, ring, symbol_chain

SEED = 11  # first word of the seeds


@dataclass(frozen=True)
class Case:
    """A problem: its name, how many units (points, or steps of time), what draws it, and at which scale it runs."""

    name: str
    n: int
    draw: Draw
    scale: str = "full"


def sized(name: str, n: int, draw: Any, *rest: Any, scale: str = "full", **options: Any) -> Case:
    """Return a case whose draw takes the number of units first."""
    return Case(name, n, partial(draw, n, *rest, **options), scale)


CASES: tuple[Case, ...] = (
    sized("two normals, 3 apart", 1_000, line, 3.0, scale="small"),
    sized("two normals, 3 apart", 10_000, line, 3.0),
    sized("two normals, 3 apart", 100_000, line, 3.0),
    sized("ring of 3, radius 2", 1_000, ring, 3, 2.0, scale="quick"),
    sized("ring of 5, radius 3", 10_000, ring, 5, 3.0),
    sized("ring of 5, radius 4", 100_000, ring, 5, 4.0, scale="quick"),
    sized("ring of 3, radius 3", 1_000_000, ring, 3, 3.0),
    sized("4-d, K = 3", 1_000, clouds, 4, 3, 2.0, "full"),
    sized("4-d, K = 3", 10_000, clouds, 4, 3, 2.0, "full", scale="quick"),
    sized("4-d, K = 3", 100_000, clouds, 4, 3, 2.0, "full"),
    sized("8-d, K = 10", 10_000, clouds, 8, 10, 2.0, "full"),
    sized("8-d, K = 5", 100_000, clouds, 8, 5, 3.0, "full"),
    sized("4-d, K = 3, diagonal", 1_000, clouds, 4, 3, 1.5, "diag", scale="quick"),
    sized("16-d, K = 8, diagonal", 10_000, clouds, 16, 8, 1.0, "diag"),
    sized("16-d, K = 8, diagonal", 100_000, clouds, 16, 8, 1.0, "diag"),
    sized("normal chain, K = 2", 300, normal_chain, 2),
    sized("normal chain, K = 2", 1_000, normal_chain, 2, scale="quick"),
    sized("normal chain, K = 2", 10_000, normal_chain, 2),
    sized("normal chain, K = 5", 10_000, normal_chain, 5),
    sized("normal chain, K = 5", 100_000, normal_chain, 5),
    sized("symbol chain, K = 2", 1_000, symbol_chain, 2, 6, scale="quick"),
    sized("symbol chain, K = 3", 10_000, symbol_chain, 3, 6),
    sized("symbol chain, K = 2", 100_000, symbol_chain, 2, 6),
    sized("dynamics, 1 state, d = 4", 300, dynamics, 1, 4, scale="quick"),
    sized("dynamics, 2 states, d = 3", 300, dynamics, 2, 3),
    sized("dynamics, 1 state, d = 2", 2_000, dynamics, 1, 2),
    sized("dynamics, 2 states, d = 3", 2_000, dynamics, 2, 3),
    sized("factors, d = 10, k = 2", 1_000, factors, 10, 2, scale="quick"),
    sized("factors, d = 10, k = 2", 100_000, factors, 10, 2),
)


def drawn(place: int) -> Given:
    """Return model and data of a case."""
    return CASES[place].draw(np.random.default_rng([SEED, place]))
