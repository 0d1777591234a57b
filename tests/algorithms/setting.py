"""Algorithms, problems and listening models that the tests of this folder share."""

from __future__ import annotations

from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np

import emlib
from emlib.algorithms import (
    ECG,
    ECME,
    EM,
    LBFGS,
    PXEM,
    SGD,
    SQUAREM,
    Adam,
    Adaptive,
    Algorithm,
    Anderson,
    EMGradient,
    FirstOrderEM,
    GradientAscent,
    Newton,
    OnlineEM,
    Proximal,
    QSecant,
    QuasiNewtonEM,
    SciPy,
    StretchedEM,
    Switch,
    after,
    missing_information_above,
)
from tests.contract.cases import CASES, Case, has

CHOSEN = ("linkage", "poisson-2-plain", "poisson-3-tabulated", "gaussian-full-d1-k2", "gaussian-full-d2-k3",
          "gaussian-tied-d2-k3", "gaussian-diag-d2-k2", "gaussian-spherical-d2-k3")
PROBLEMS = [case for case in CASES if case.name in CHOSEN]
SEQUENCES = [case for case in CASES if case.name in ("hmm-counts-k2", "linear-dynamics-k1-d2")]
OFFSET = 0.05  # how far from the optimum the runs to it start, free coordinates
BUDGET = 20_000


def fixed(case: Case, coordinates: str) -> float:
    """A fixed step that converges: one over the largest curvature at the optimum, along the feasible directions."""
    problem = case.problem(coordinates)
    bend = -problem.hessian(case.model.space.pack(case.optimum, coordinates))
    return 1.0 / float(np.linalg.eigvalsh(problem.reduce(problem.reduce(bend).T)).max())


ALGORITHMS: dict[str, Any] = {
    "em": lambda case: EM(),
    "em-under": lambda case: EM(0.7),
    "em-over": lambda case: EM(1.5),
    "ecg": lambda case: ECG(),
    "switch": lambda case: Switch(EM(), ECG(), missing_information_above(0.3)),
    "em-gradient": lambda case: EMGradient(),
    "em-gradient-free": lambda case: EMGradient(coordinates="free"),
    "gradient": lambda case: GradientAscent(),
    "gradient-fixed": lambda case: GradientAscent(step_length=fixed(case, "free")),
    "gradient-momentum": lambda case: GradientAscent(fixed(case, "free"), momentum=0.6),
    "gradient-nesterov": lambda case: GradientAscent(fixed(case, "free"), momentum=0.6, nesterov=True),
    "adam": lambda case: Adam(),
    "first-order-em": lambda case: FirstOrderEM(fixed(case, "free") * case.data.n_units, coordinates="free"),
    "lbfgs": lambda case: LBFGS(),
    "lbfgs-identity": lambda case: LBFGS(metric="identity"),
    "lbfgs-warm": lambda case: Switch(EM(), LBFGS(history=3), after(2)),
    "newton": lambda case: Switch(EM(), Newton(), after(2)),
    "newton-cold": lambda case: Newton(),
    "scipy-l-bfgs-b": lambda case: SciPy(),
    "scipy-bfgs": lambda case: SciPy("BFGS"),
    "scipy-trust-exact": lambda case: SciPy("trust-exact"),
    "adaptive": lambda case: Adaptive(),
    "squarem": lambda case: SQUAREM(),
    "squarem-1": lambda case: SQUAREM("S1", coordinates="free"),
    "squarem-package": lambda case: SQUAREM(safeguard="package"),
    "anderson": lambda case: Anderson(),
    "anderson-epsilon": lambda case: Anderson(3, 0.01, "standard"),
    "proximal": lambda case: Proximal(0.3),
    "proximal-shrinking": lambda case: Proximal(1.0, decay=0.5),
    "q-secant": lambda case: QSecant(),
    "q-secant-3-standard": lambda case: QSecant(3, "standard"),
    "stretched": lambda case: StretchedEM(),
    "stretched-slowly-standard": lambda case: StretchedEM(1.3, "standard"),
    "quasi-newton-em": lambda case: QuasiNewtonEM(),
    "quasi-newton-em-standard": lambda case: QuasiNewtonEM("standard"),
}
# What sequences, whose E-steps take longer, are put through, and the models with steps of their own.
FEW = ("em", "ecg", "em-gradient", "lbfgs", "newton", "adaptive", "squarem", "anderson", "q-secant",
       "quasi-newton-em")
OWN: dict[str, Any] = {case.name: ECME() if has(case.model, "cm_steps") else PXEM() for case in CASES
                       if has(case.model, "cm_steps") or has(case.model, "expanded_m_step")}
# These come near, but seldom within 1e-8 nats in a reasonable time; their E-steps are over parts of the data.
STOCHASTIC: dict[str, Any] = {
    "sgd": lambda case: SGD(1.0),
    "adam-batches": lambda case: Adam(0.2, batch_size=20, decay=0.6),
    "online-em": lambda case: OnlineEM(),
    "online-em-averaged": lambda case: OnlineEM(average_after=1),
}


@cache
def near(case: Case) -> Any:
    """A start near the optimum, the same for every algorithm."""
    rng = np.random.default_rng(3)
    x = case.free(case.optimum)
    return case.model.space.unpack(x + OFFSET * rng.standard_normal(len(x)))


def run(case: Case, algorithm: Algorithm, start: Any = None, **options: Any) -> tuple[emlib.Problem, emlib.Result]:
    """Solve from a start (default: `near`) in the algorithm's own coordinates."""
    problem = case.problem(algorithm.coordinates)
    x0 = case.model.space.pack(near(case) if start is None else start, algorithm.coordinates)
    return problem, emlib.solve(problem, algorithm, x0, **{"max_estep": BUDGET, **options})


class Listening:
    """A model that keeps the parameters of every E-step and counts its Louis matrices."""

    def __init__(self, model: Any) -> None:
        self.model = model
        self.seen: list[Any] = []
        self.louis = 0
        self.m_steps = 0

    def __getattr__(self, name: str) -> Any:
        honest = getattr(self.model, name)
        counter = {"missing_information": "louis", "cm_steps": "m_steps", "expanded_m_step": "m_steps"}.get(name)
        return honest if counter is None else self._counting(honest, counter)

    def _counting(self, honest: Any, counter: str) -> Any:
        def member(*given: Any) -> Any:
            setattr(self, counter, getattr(self, counter) + 1)
            return honest(*given)
        return member

    def e_step(self, params: Any, data: Any) -> Any:
        self.seen.append(params)
        return self.model.e_step(params, data)

    def e_step_at(self, params: Any) -> Any:
        return partial(self.e_step, params)

    def m_step(self, stats: Any) -> Any:
        self.m_steps += 1
        return self.model.m_step(stats)


class Broken:
    """A model whose E-step is spoilt from the n-th call on."""

    def __init__(self, model: Any, after: int, **fields: Any) -> None:
        self.model, self.after, self.fields, self.calls = model, after, fields, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def e_step(self, params: Any, data: Any) -> Any:
        self.calls += 1
        found = self.model.e_step(params, data)
        return replace(found, **self.fields) if self.calls > self.after else found

    def e_step_at(self, params: Any) -> Any:
        return partial(self.e_step, params)


def by_name(name: str) -> Case:
    """The case of this name."""
    return next(case for case in CASES if case.name == name)
