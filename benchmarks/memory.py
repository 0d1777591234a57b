"""What a fit adds to the memory that the data take: five EM iterations in a fresh process."""

from __future__ import annotations

from benchmarks.tables import Scale, Table
from benchmarks.timing import peak_memory

Size = tuple[int, int, int]
SIZES: dict[Scale, Size] = {"small": (2000, 2, 2), "quick": (200_000, 8, 10), "full": (1_000_000, 8, 10)}
# The libraries are warmed on a few rows first, so that what is measured is the data's, not the import's.
OURS = """
import numpy, emlib
from emlib.algorithms import EM
from emlib.models import GaussianMixture
model = GaussianMixture({k}, {d})
work = lambda rows: emlib.fit(model, rows, algorithm=EM(), tol=1e-300, max_estep=5, rng=0)
"""
THEIRS = """
import numpy, warnings
from sklearn.mixture import GaussianMixture
warnings.simplefilter("ignore")
work = lambda rows: GaussianMixture({k}, max_iter=5, tol=0.0, init_params="random_from_data", random_state=0).fit(rows)
"""
POINTS = "points = numpy.random.default_rng(0).standard_normal(({n}, {d}))\nwork(points[:{few}])"


def tables(scale: Scale) -> list[Table]:
    """Return the table of both libraries."""
    n, d, k = SIZES[scale]
    data = n * d * 8 / 2**20
    rows: list[list[str | float]] = []
    for name, library in (("emlib", OURS), ("scikit-learn", THEIRS)):
        before = (library + POINTS).format(n=n, d=d, k=k, few=min(n, 20_000))
        rows.append([name, data, peak_memory(before, "work(points)")])
    return [Table("memory", f"Normal mixture, n = {n}, d = {d}, K = {k}: MiB", ["library", "data", "added"], rows)]
