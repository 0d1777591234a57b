"""Ten faults that a book on EM must notice, each a formula of a paper with one number off."""

from __future__ import annotations

from pathlib import Path

from mutation_places import Mutant

NAMED = [  # name, file under emlib, text, which stands there once, and what it becomes
    ("Student t: the weights for dof + 0.001", "models/student_t.py",
     "self._statistics(seen * (shape / rates),", "self._statistics(seen * ((shape + 0.0005) / (rates + 0.0005)),"),
    ("SQUAREM: the S3 length 2 % off", "algorithms/squarem.py",
     '"S3": (float(np.linalg.norm(r)),', '"S3": (1.02 * float(np.linalg.norm(r)),'),
    ("normalised entropy: log(K + 0.001)", "algorithms/criteria.py",
     "(problem.data.n_units * float(np.log(states)))", "(problem.data.n_units * float(np.log(states + 0.001)))"),
    ("population rate in closed form: 2.01 for 2", "diagnostics/population.py",
     "(4 + 2 * square) * e2", "(4 + 2.01 * square) * e2"),
    ("Barber's iteration: uniquenesses times 1.0005", "models/factor_analysis.py",
     "noise * (vectors**2 @ rest))", "1.0005 * noise * (vectors**2 @ rest))"),
    ("PPCA's spectrum: the mixing family", "diagnostics/ppca_rate.py",
     "1 - noise * (a + b - 2 * noise) / (a * b)", "1 - noise * (a + b - 2.01 * noise) / (a * b)"),
    ("SEM: the matrix times 0.999", "diagnostics/information.py",
     "around.complete @ jacobian(problem, params, around)",
     "0.999 * around.complete @ jacobian(problem, params, around)"),
    ("Xu and Jordan: the covariances' block with .501 for .5", "families/linear_gaussian.py",
     "0.5 * moments.counts[:, None, None] * kron(", "0.501 * moments.counts[:, None, None] * kron("),
    ("covariance: divided by n - 0.001", "families/covariance.py",
     "total / (width * counts.reshape(", "total / (width * (counts - 0.001).reshape("),
    ("Louis: the Poisson score 0.001 off", "models/poisson_mixture.py",
     "ratio(data.units, rates[k]) - 1]", "ratio(data.units, rates[k]) - 1.001]"),
]


def named(root: Path) -> list[Mutant]:
    """Return the named faults of a tree.

    Raises
    ------
    ValueError
        If the text of one does not stand once in its file: write the fault anew for the changed source.
    """
    found = []
    for name, place, old, new in NAMED:
        source = (root / "emlib" / place).read_text(encoding="utf-8")
        if source.count(old) != 1:
            raise ValueError(f"{name}: {old!r} stands {source.count(old)} times in emlib/{place}, not once")
        start = source.encode().index(old.encode())
        line = source.encode()[:start].count(b"\n") + 1
        found.append(Mutant(f"emlib/{place}", line, name, start, old, new))
    return found
