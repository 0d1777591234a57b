"""The noise: what it moves, by how much, what it leaves alone, and that `emlib` is led through it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

import noisy
from setup_env import ROOT

ULP = 2.0**-52
HEAD = """
import ast, json, sys
import numpy as np
import arithmetic_noise as noise
import noise_hook

rng = np.random.default_rng(0)

def values(source, rewritten):
    tree, names = ast.parse(source), {}
    if rewritten:
        tree = noise_hook.Rewriter().visit(tree)
    exec(compile(ast.fix_missing_locations(tree), "cell", "exec"), names)
    return names
"""
IMPORTS = """
import numpy as np, scipy
from scipy.special import expit
from scipy.linalg import cho_factor
from scipy.stats import norm
x = np.random.default_rng(3).standard_normal((5, 5))
"""
MOVED = ["x @ x", "np.exp(x)", "np.log(np.abs(x))", "np.linalg.inv(x)", "np.linalg.eigh(x + x.T)[1]",
         "np.einsum('ij,jk', x, x)", "np.abs(x) ** 0.3", "10 ** x", "scipy.special.gammaln(np.abs(x))", "expit(x)",
         "cho_factor(np.eye(5) * 3 + x @ x.T)[0]", "norm.pdf(x)", "norm.logcdf(x)", "norm(0, 1).pdf(x)",
         "np.geomspace(0.1, 3.0, 25).reshape(5, 5)"]
LEFT = ["x ** 2", "2 ** 10 + x", "np.abs(x) ** 0.5", "2.0 ** 10 + x", "x + x", "x * x", "np.sqrt(np.abs(x))", "x / 3",
        "x.sum(axis=0)"]


def under_noise(body: str, seed: int = 1) -> Any:
    """Return what a piece of code puts into `found`, in a process of its own with noise."""
    plain = {"PYTHONPATH": str(noisy.FOLDER), "EMLIB_NOISE": ""}
    done = subprocess.run([sys.executable, "-c", f"{HEAD}\n{body}\nprint(json.dumps(found))"], cwd=ROOT, check=True,
                          env={**os.environ, **(noisy.environment(seed) if seed else plain)},
                          stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def test_it_moves_by_two_units_at_most_and_leaves_zeros_ones_and_infinities() -> None:
    found = under_noise("""
x = rng.standard_normal(100_000) * 10.0 ** rng.integers(-20, 20, 100_000)
special = np.array([0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 5e-324, np.exp(-745.1), np.finfo(float).max])
again = noise.disturb(x.copy())
strided = np.zeros((100_000, 2))
strided[:, 0] = x
noise.disturb(strided[:, 0])
found = {"largest": float(np.max(np.abs(again - x) / np.abs(x))), "moved": float(np.mean(again != x)),
         "special": bool(np.array_equal(noise.disturb(special.copy()), special, equal_nan=True)),
         "repeated": bool(np.array_equal(noise.disturb(x.copy()), again)),
         "odd": bool(np.array_equal(noise.disturb(-x), -again)),
         "strided": bool(np.array_equal(strided[:, 0], again)) and not strided[:, 1].any(),
         "scalar": all(noise.disturbed(float(a)) == b for a, b in zip(x[:200], again[:200])),
         "complex": bool(np.array_equal(noise.disturb(x[:9] + 1j * x[9:18]), again[:9] + 1j * again[9:18])),
         "others": noise.disturbed(3) == 3 and noise.disturbed("word") == "word"}
""")
    assert 0 < found.pop("largest") <= 2 * ULP
    assert 0.7 < found.pop("moved") < 0.8  # six of eight offsets are not zero
    assert all(found.values()), found


def test_a_symmetric_result_stays_symmetric_and_seeds_differ() -> None:
    body = "a = rng.standard_normal((6, 4)); s = a @ a.T; s = (s + s.T) / 2; noise.disturb(s)\n" \
           "found = [bool((s == s.T).all()), s.tolist()]"
    (symmetric, first), (_, second) = under_noise(body, 1), under_noise(body, 2)
    assert symmetric
    assert first != second


def test_nothing_is_disturbed_without_a_seed() -> None:
    assert under_noise("import emlib.numerics\nfound = type(emlib.numerics.np).__name__", seed=0) == "module"


@pytest.mark.parametrize("value", ["x", "-1", "1.5"])
def test_a_seed_that_is_none_is_refused(value: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(noisy.FOLDER), "EMLIB_NOISE": value}
    done = subprocess.run([sys.executable, "-c", "import arithmetic_noise; arithmetic_noise.seed()"], env=environment,
                          check=False, capture_output=True, text=True)
    assert f"EMLIB_NOISE is {value!r}: give a whole number" in done.stderr


def test_noise_below_seed_one_is_refused() -> None:
    with pytest.raises(ValueError, match="seed is 0: give a whole number from 1 upwards"):
        noisy.environment(0)


@pytest.fixture(scope="module")
def cells() -> dict[str, Any]:
    """Return for each call what a cell of a notebook gives, plain and rewritten by the hook."""
    found: dict[str, Any] = under_noise(f"found = {{call: [values({IMPORTS!r} + 'y = ' + call, way)['y'].tolist() "
                                        f"for way in (False, True)] for call in {MOVED + LEFT!r}}}")
    return found


@pytest.mark.parametrize("call", MOVED)
def test_a_rewritten_cell_meets_the_noise(call: str, cells: dict[str, Any]) -> None:
    exact, disturbed = np.array(cells[call])
    assert (exact != disturbed).any()
    np.testing.assert_allclose(disturbed, exact, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("call", LEFT)
def test_what_every_processor_rounds_alike_is_left_alone(call: str, cells: dict[str, Any]) -> None:
    exact, disturbed = cells[call]
    assert exact == disturbed


def test_wrapped_functions_can_be_copied_and_sent() -> None:
    assert under_noise("import copy, pickle\nf = noise.wrapped(np.exp, 'numpy.exp')\n"
                       "found = [pickle.loads(pickle.dumps(f))(2.0) == f(2.0), copy.deepcopy(f)(2.0) == f(2.0)]\n"
                       "found = [bool(value) for value in found]") == [True, True]


def test_views_and_results_in_place_keep_their_memory() -> None:
    source = ("import numpy as np\na = np.array([[2.0, 3.0], [5.0, 7.0]])\nnp.einsum('ii->i', a)[:] = 11.0\n"
              "out = np.empty(2)\nsame = np.exp(np.array([0.3, 0.4]), out=out) is out")
    found = under_noise(f"names = values({source!r}, True)\nfound = [names['a'].tolist(), bool(names['same'])]")
    assert found == [[[11.0, 3.0], [5.0, 11.0]], True]


def test_a_product_in_place_is_refused_where_it_could_escape() -> None:
    with pytest.raises(subprocess.CalledProcessError):
        under_noise("found = values('a = 1\\na @= 2', True)")


@pytest.mark.slow
@pytest.mark.compiled
@pytest.mark.parametrize("case", [
    "GaussianMixture(2, 3), rng.standard_normal((60_000, 3))",
    "GaussianHMM(2, 2), [rng.standard_normal((20_000, 2))]",
    "LinearDynamicalSystem(1, 1), rng.standard_normal((4_000, 1)).cumsum(axis=0)",
])
def test_an_em_step_is_disturbed_through_numpy_and_through_the_compiled_loops(case: str) -> None:
    body = f"""
from emlib.models import GaussianHMM, GaussianMixture, LinearDynamicalSystem
model, rows = {case}
data = model.as_data(rows)
start = model.start(data, np.random.default_rng(1))
stats = model.e_step(start, data).stats
loops = [name for name in sys.modules if name.startswith("emlib.kernels.")
         and not name.endswith(("arguments", "array_types", "dispatch"))]
found = [model.space.pack(model.m_step(stats)).tolist(), len(loops)]
"""
    (exact, loaded), (first, _), (second, _) = (under_noise(body, seed) for seed in (0, 1, 2))
    assert loaded, "the case is too small for the compiled loops"
    assert exact != first != second != exact
    np.testing.assert_allclose([first, second], [exact, exact], rtol=1e-8, atol=1e-10)
