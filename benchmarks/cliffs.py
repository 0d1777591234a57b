"""The E-step of every model: ordinary input beside the worst of the same size, and beside what the machine could do.

The worst input is what a user may well have: outliers, thin components, counts in the thousands, probabilities of zero,
regimes far apart, missing entries. Times are CPU time of one E-step over all chunks, the least of several. The limit is
the larger of two times: the floating-point operations, counted below, at the rate of this machine's BLAS, and one pass
over the data at the rate at which memory is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.tables import Scale, Table, Value
from benchmarks.timing import seconds
from emlib import models
from emlib.evaluation.threads import one_blas_thread
from emlib.numerics import Array
from emlib.problem import Problem

SHARE: dict[Scale, float] = {"small": 0.02, "quick": 0.2, "full": 1.0}  # of the units
REPEATS: dict[Scale, int] = {"small": 1, "quick": 5, "full": 9}
SPECIAL = 20.0  # operations of an exponential or a logarithm
Given = tuple[Any, Any]  # parameters and raw data


@dataclass(frozen=True)
class Case:
    """A model with two inputs of one size.

    Attributes
    ----------
    name, worst_is : str
    model : LatentVariableModel
    ordinary, worst : tuple
        Parameters and raw data.
    operations : float
        Of an E-step on the ordinary input, floating-point; an exponential or a logarithm is SPECIAL of them.
    """

    name: str
    worst_is: str
    model: Any
    ordinary: Given
    worst: Given
    operations: float


def normal_mixtures(share: float, rng: np.random.Generator) -> Iterator[Case]:
    """Yield normal mixtures of few and of many dimensions, with outliers and with a thin component."""
    for n, d, count, kind in ((100_000, 2, 5, "full"), (20_000, 32, 8, "full"), (100_000, 8, 5, "diag")):
        n = int(n * share)
        model, means = models.GaussianMixture(count, d, kind), 3.0 * rng.standard_normal((count, d))
        spread = np.ones((count, d)) if kind == "diag" else np.tile(np.eye(d), (count, 1, 1))
        params = model.params(weights=np.full(count, 1 / count), means=means, covariances=spread)
        rows = means[rng.integers(count, size=n)] + rng.standard_normal((n, d))
        far, thin = rows.copy(), spread.copy()
        far[::100] *= 1e6
        thin[0] *= 1e-8
        tight = model.params(weights=params.weights, means=means, covariances=thin)
        pairs = d if kind == "diag" else d * (d + 1) / 2
        operations = n * count * (4.0 * pairs + 4.0 * d + SPECIAL)
        name = f"normal mixture, {kind}, n = {n}, d = {d}, K = {count}"
        yield Case(name, "one row in a hundred 1e6 times as far", model, (params, rows), (params, far), operations)
        yield Case(name, "a component 1e4 times as thin", model, (params, rows), (tight, rows), operations)


def count_mixtures(share: float, rng: np.random.Generator) -> Iterator[Case]:
    """Yield mixtures of counts, small ones and large ones."""
    n, count = int(1_000_000 * share), 3
    poisson = models.PoissonMixture(count)
    weights, rates = np.full(count, 1 / count), np.array([1.0, 5.0, 12.0])
    small, large = (rng.poisson(scale * rates[rng.integers(count, size=n)]) for scale in (1.0, 1e5))
    few, many = (poisson.params(weights=weights, rates=scale * rates) for scale in (1.0, 1e5))
    yield Case(f"Poisson mixture, n = {n}, K = {count}", "counts 1e5 times as large", poisson, (few, small),
               (many, large), n * (2.0 * count + 1))
    n = n // 10
    binomial = models.NegativeBinomialMixture(2)
    params = binomial.params(weights=[0.5, 0.5], means=[2.0, 12.0], dispersion=[0.5, 0.1])
    rows = binomial.sample(params, n, rng)
    odd = rows.copy()
    odd[0] = 5000.0
    yield Case(f"negative binomial mixture, n = {n}, K = 2", "one count of 5000", binomial, (params, rows),
               (params, odd), n * 5.0)


def bernoulli(share: float, rng: np.random.Generator) -> Iterator[Case]:
    """Yield a Bernoulli mixture, and one with probabilities of zero and one."""
    n, d, count = int(100_000 * share), 20, 5
    model, chances = models.BernoulliMixture(count, d), rng.uniform(0.1, 0.9, (count, d))
    params = model.params(weights=np.full(count, 1 / count), probabilities=chances)
    sure = model.params(weights=params.weights, probabilities=np.where(rng.random((count, d)) < 0.2, 0.0, chances))
    rows = model.sample(params, n, rng)
    open_rows = model.sample(sure, n, rng)
    yield Case(f"Bernoulli mixture, n = {n}, d = {d}, K = {count}", "one probability in five zero", model,
               (params, rows), (sure, open_rows), n * count * (4.0 * d + SPECIAL))


def symmetric(share: float, rng: np.random.Generator) -> Iterator[Case]:
    """Yield the mixtures of two mirrored components, with outliers."""
    n = int(100_000 * share)
    model = models.SymmetricMixture(2, 1.0)
    params = model.params(mean=[1.0, 1.0])
    rows = model.sample(params, n, rng)
    far = np.where(np.arange(n)[:, None] % 100 == 0, 1e6, 1.0) * rows
    yield Case(f"symmetric mixture, n = {n}, d = 2", "one row in a hundred 1e6 times as far", model, (params, rows),
               (params, far), n * (8.0 + SPECIAL))


def regressions(share: float, rng: np.random.Generator) -> Iterator[Case]:
    """Yield regressions: mixtures with outliers, covariates with gaps."""
    n, d = int(100_000 * share), 3
    mixture: Any = models.RegressionMixture(3, d)
    kinds: tuple[tuple[str, Any, dict[str, Array]], ...] = (
        ("regression mixture, K = 3", mixture, {"weights": np.full(3, 1 / 3), "noise_variance": np.ones(3),
                                                "coefficients": 2.0 * rng.standard_normal((3, d))}),
        ("symmetric regressions", models.SymmetricRegressionMixture(d), {"coefficients": np.ones(d)}))
    for name, model, fields in kinds:
        params = model.params(**fields)
        design, response = model.sample(params, n, rng)
        far = np.where(np.arange(n) % 100 == 0, 1e6, 1.0) * response
        count = 3 if "weights" in fields else 2
        yield Case(f"{name}, n = {n}, d = {d}", "one response in a hundred 1e6 times as far", model,
                   (params, (design, response)), (params, (design, far)),
                   n * count * (2.0 * d + d * (d + 1.0) + 2.0 * d + SPECIAL))
    holed = models.RegressionWithMissingCovariates(d)
    known = holed.params(coefficients=np.ones(d))
    design, response = holed.sample(known, n, rng)
    gone = np.where(rng.random((n, d)) < 0.3, np.nan, design)
    yield Case(f"regression, covariates missing, n = {n}, d = {d}", "entries missing, 30 %", holed,
               (known, (design, response)), (known, (gone, response)), n * (6.0 * d + 2.0 * d * d + SPECIAL))


def continuous(share: float, rng: np.random.Generator) -> Iterator[Case]:
    """Yield a normal distribution with gaps, the t distribution with outliers, factors that explain all."""
    n, d = int(20_000 * share), 10
    model = models.GaussianWithMissing(d)
    root = np.eye(d) + 0.3 * rng.standard_normal((d, d))
    params = model.params(mean=np.zeros(d), covariance=root @ root.T)
    rows = model.sample(params, n, rng)
    for part in (0.2, 0.5):
        gone = np.where(rng.random((n, d)) < part, np.nan, rows)
        yield Case(f"normal with missing entries, n = {n}, d = {d}", f"entries missing, {part:.0%}", model,
                   (params, rows), (params, gone), n * 4.0 * d * d)
    n, d = int(50_000 * share), 5
    robust = models.StudentT(d, 3.0)
    scale = robust.params(location=np.zeros(d), scale=np.eye(d))
    near = robust.sample(scale, n, rng)
    far = np.where(np.arange(n)[:, None] % 100 == 0, 1e6, 1.0) * near
    yield Case(f"Student's t, n = {n}, d = {d}", "one row in a hundred 1e6 times as far", robust, (scale, near),
               (scale, far), n * (2.0 * d * d + d * (d + 1.0) + SPECIAL))
    n, d = int(10_000 * share), 30
    for name, factors in (("factor analysis", models.FactorAnalysis(d, 5)), ("PPCA", models.PPCA(d, 5))):
        loadings, own = rng.standard_normal((d, 5)), np.ones(d) if name == "factor analysis" else np.ones(())
        given = factors.params(mean=np.zeros(d), loadings=loadings, noise_variance=own)
        little = factors.params(mean=np.zeros(d), loadings=loadings, noise_variance=1e-6 * own)
        wide = factors.sample(given, n, rng)
        yield Case(f"{name}, d = {d}, k = 5 (any n)", "noise 1e-6 times as large", factors, (given, wide),
                   (little, factors.sample(little, n, rng)), 4.0 * (d + 6.0) * d * d)


def nested(share: float, rng: np.random.Generator) -> Iterator[Case]:
    """Yield nested random effects, with responses missing in almost as many ways as there are units."""
    n, sizes = int(20_000 * share), (4, 5)
    model = models.RandomEffects(sizes, (0.5, 0.5))
    params = model.params(coefficients=[3.0])
    rows = model.sample(params, n, rng)
    gone = np.where(rng.random(rows.shape) < 0.2, np.nan, rows)
    q, k = 1 + sizes[0], sizes[0] * sizes[1]
    yield Case(f"random effects, n = {n}, 4 x 5", "responses missing, 20 %", model, (params, rows), (params, gone),
               n * (4.0 * k * q + 2.0 * q * q + 4.0 * k))


def chains(share: float, rng: np.random.Generator) -> Iterator[Case]:
    """Yield hidden Markov models whose regimes lie far apart, or whose moves or symbols may be impossible."""
    length, count = int(60_000 * share), 4
    stay = 0.9 * np.eye(count) + 0.1 / count
    ring = 0.95 * np.eye(count) + 0.05 * np.roll(np.eye(count), 1, axis=1)  # on to the next state only
    tiny = np.where(ring > 0, ring, 1e-60)
    even, d = np.full(count, 1 / count), 2
    normal = models.GaussianHMM(count, d, "diag")
    centres = rng.standard_normal((count, d))

    def normals(transition: Array, scale: float) -> Given:
        transition = transition / transition.sum(axis=1, keepdims=True)
        params = normal.params(initial=even, transition=transition, means=scale * centres,
                               covariances=np.ones((count, d)))
        return params, normal.sample(params, length, rng)

    operations = length * (count * count * 6.0 + count * (8.0 * d + SPECIAL))
    name = f"hidden Markov model, normal, T = {length}, K = {count}"
    ordinary = normals(stay, 2.0)
    for what, worst in (("moves in one direction only", normals(ring, 2.0)),
                        ("other moves of chance 1e-60", normals(tiny, 2.0)),
                        ("regimes 50 times as far apart", normals(stay, 100.0)),
                        ("both: one direction, far apart", normals(ring, 100.0)),
                        ("both: chance 1e-60, far apart", normals(tiny, 100.0))):
        yield Case(name, what, normal, ordinary, worst, operations)
    yield Case(name, "one row in a hundred 1e3 times as far", normal, ordinary,
               (ordinary[0], np.where(np.arange(length)[:, None] % 100 == 0, 1e3, 1.0) * ordinary[1]), operations)
    counts = models.PoissonHMM(count)
    operations = length * (count * count * 6.0 + count * 4.0)

    def poisson(transition: Array, rates: Any) -> Given:
        params = counts.params(initial=even, transition=transition, rates=np.asarray(rates, dtype=float))
        return params, counts.sample(params, length, rng)

    ordinary = poisson(stay, [1, 5, 12, 25])
    name = f"hidden Markov model, counts, T = {length}, K = {count}"
    for what, worst in (("moves in one direction only", poisson(ring, [1, 5, 12, 25])),
                        ("rates a thousand times as far apart", poisson(stay, [1, 5000, 12000, 25000])),
                        ("counts larger than the sequence is long", poisson(stay, [1e6, 5e6, 12e6, 25e6]))):
        yield Case(name, what, counts, ordinary, worst, operations)
    symbols = models.CategoricalHMM(count, 6)
    table = rng.dirichlet(np.ones(6), count)
    holes = np.where(np.arange(6) < np.arange(2, 6)[:, None], table, 0.0)

    def categorical(transition: Array, emission: Array) -> Given:
        params = symbols.params(initial=even, transition=transition,
                                emission=emission / emission.sum(axis=1, keepdims=True))
        return params, symbols.sample(params, length, rng)

    ordinary = categorical(stay, table)
    name = f"hidden Markov model, symbols, T = {length}, K = {count}"
    for what, worst in (("moves in one direction only", categorical(ring, table)),
                        ("symbols that some states cannot emit", categorical(stay, holes)),
                        ("both", categorical(ring, holes))):
        yield Case(name, what, symbols, ordinary, worst, operations)


def systems(share: float, rng: np.random.Generator) -> Iterator[Case]:
    """Yield a linear dynamical system with gaps."""
    length, side, width = int(5000 * share), 2, 3
    model = models.LinearDynamicalSystem(side, width, fixed={})
    params = model.params(
        initial_mean=np.zeros(side), initial_covariance=np.eye(side), transition=0.9 * np.eye(side),
        transition_covariance=0.19 * np.eye(side), observation=rng.standard_normal((width, side)),
        observation_covariance=0.5 * np.eye(width))
    rows = model.sample(params, length, rng)
    gone = np.where(rng.random(rows.shape) < 0.2, np.nan, rows)
    whole = np.where(rng.random(length)[:, None] < 0.2, np.nan, rows)
    operations = length * 12.0 * side * (side + width)  # vectors alone: the covariances stand still
    name = f"linear dynamical system, T = {length}, k = {side}, d = {width}"
    yield Case(name, "entries missing, 20 %", model, (params, rows), (params, gone), operations)
    yield Case(name, "rows missing, 20 %", model, (params, rows), (params, whole), operations)


KINDS: tuple[Callable[[float, np.random.Generator], Iterator[Case]], ...] = (
    normal_mixtures, count_mixtures, bernoulli, symmetric, regressions, continuous, nested, chains, systems)


def cost(model: Any, given: Given, repeats: int) -> tuple[float, float]:
    """Return the seconds of one E-step, the least of several, and the bytes of the data."""
    params, raw = given
    problem = Problem(model, raw)
    problem.expectation(params)  # compiles, or reads what an earlier run compiled
    calls = max(1, min(50, round(0.02 / max(seconds(lambda: problem.expectation(params)), 1e-6))))
    least = min(seconds(lambda: [problem.expectation(params) for _ in range(calls)]) for _ in range(repeats)) / calls
    units = problem.data.units
    return least, float(sum(part.nbytes for part in (units if isinstance(units, list) else [units])))


def rates(repeats: int) -> tuple[float, float]:
    """Return operations a second of a matrix product and bytes a second of a sum, on one core."""
    square, long = np.ones((800, 800)), np.ones(16_000_000)
    product = min(seconds(lambda: square @ square) for _ in range(repeats))
    return 2.0 * 800**3 / product, long.nbytes / min(seconds(long.sum) for _ in range(repeats))


def tables(scale: Scale) -> list[Table]:
    """Return the table."""
    columns = ["model", "worst input", "ordinary: ms", "worst: ms", "times as long", "limit: ms", "times the limit"]
    rows: list[list[Value]] = []
    with one_blas_thread():
        fastest, widest = rates(REPEATS[scale])
        known: dict[str, tuple[float, float]] = {}
        for kind in KINDS:
            for case in kind(SHARE[scale], np.random.default_rng(0)):
                if case.name not in known:
                    known[case.name] = cost(case.model, case.ordinary, REPEATS[scale])
                (here, size), (worst, _) = known[case.name], cost(case.model, case.worst, REPEATS[scale])
                limit = max(case.operations / fastest, size / widest)
                rows.append([case.name, case.worst_is, 1e3 * here, 1e3 * worst, worst / here, 1e3 * limit,
                             here / limit])
    title = (f"One E-step, CPU time on one core: ordinary and worst input of one size, and the machine's limit "
             f"({1e-9 * fastest:.0f} Gflop/s, {1e-9 * widest:.0f} GB/s)")
    return [Table("cliffs", title, columns, rows)]
