"""A stream of images: SGD and online EM at equal passes over digits in 64 dimensions, judged on images held out.

Ten normals with diagonal covariances on the 8 x 8 digits that scikit-learn carries, grey values spread evenly over
their cells so that no pixel is constant, then standardised. Settings are chosen on the first starts and judged on the
others.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

import emlib
from emlib.algorithms import SGD, Algorithm, OnlineEM
from emlib.data import Data
from emlib.models import GaussianMixture

__all__ = ["N_TUNING", "SEED", "cell", "keys"]

SEED = 89
N_PASSES = 10
N_TUNING = 2  # of the starts: on these a setting is chosen
N_STARTS = 7
N_TRAIN, N_VALID = 1200, 300
BATCH = 20
LOST = -1e3  # nats an image, of a run that ended in a collapse
SETTINGS: dict[str, dict[str, Algorithm]] = {
    "SGD": {f"step {step}": SGD(step, BATCH) for step in (0.1, 0.3, 1.0, 3.0)},
    "online EM": {
        f"alpha {alpha}, t0 {t0}": OnlineEM(BATCH, alpha, t0)
        for alpha, t0 in ((0.6, 2.0), (0.6, 20.0), (0.6, 200.0), (0.9, 20.0))
    },
}


@cache
def images() -> tuple[Any, Data, Data, Data]:
    """Return the model, and the images to learn from, to choose a setting by, and to judge by."""
    from sklearn.datasets import load_digits

    rng = np.random.default_rng(SEED)
    whole = load_digits().data
    whole = (whole + rng.random(whole.shape))[rng.permutation(len(whole))]
    whole = (whole - whole.mean(axis=0)) / whole.std(axis=0)
    model = GaussianMixture(10, whole.shape[1], "diag")
    seen, chosen, held = np.split(whole, [N_TRAIN, N_TRAIN + N_VALID])
    return model, model.as_data(seen), model.as_data(chosen), model.as_data(held)


def keys() -> list[dict[str, Any]]:
    """Return one cell for each method, setting and start."""
    return [
        {"method": method, "setting": setting, "start": index}
        for method, settings in SETTINGS.items()
        for setting in settings
        for index in range(N_STARTS)
    ]


def cell(method: str, setting: str, start: int) -> dict[str, Any]:
    """Return the log-likelihoods an image of a run, nats: learnt from, chosen by, and held out."""
    model, *parts = images()
    begin = model.start(parts[0], np.random.default_rng([SEED, start]))
    run = emlib.fit(model, parts[0], start=begin, algorithm=SETTINGS[method][setting], max_estep=1 + 2 * N_PASSES)
    lost = run.status.name not in ("MAX_ESTEP", "CONVERGED")
    found = [LOST if lost else model.e_step(run.params, part).loglik / len(part) for part in parts]
    return dict(zip(("seen", "chosen", "held"), [round(value, 3) for value in found], strict=True))
