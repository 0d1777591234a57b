"""A compiled pass gives the same bits whether this process compiled it or read it from disk."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numba
import pytest

from emlib.kernels import (
    blocks,
    gaussian,
    gaussian_overlaps,
    hmm,
    hmm_emissions,
    missing_entries,
    missing_products,
    normal_charts,
    normal_moments,
    normal_steps,
    wide_chain,
)
from emlib.kernels.array_types import AnyMatrix, AnyVector, Matrix, Vector

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.compiled
STEP = """
import emlib, numpy as np
from emlib.kernels import gaussian
from emlib.models import GaussianMixture
rows = np.random.default_rng(0).normal(size=(40_000, 4))
model = GaussianMixture(3, 4)
data = model.as_data(rows)
found = model.e_step(model.start(data, np.random.default_rng(1)), data)
print(sum(gaussian.add_chunk.stats.cache_hits.values()), found.loglik.hex())
print(found.stats["components"].see.tobytes().hex())
"""


def named(function: Any) -> list[str]:
    """The inner functions of emlib that a compiled function calls by name, so that any copy of them may answer."""
    (made,) = function.overloads.values()
    module = made.library._get_module_for_linking()
    file, name = function.__module__.split(".")[-1], function.__name__
    own = f"_ZN5emlib7kernels{len(file)}{file}{len(name)}{name}B"
    return [f.name for f in module.functions
            if f.name.startswith("_ZN5emlib7kernels") and not f.is_declaration and not f.name.startswith(own)]


@pytest.mark.parametrize("function", [gaussian.add_chunk, gaussian_overlaps.add_overlaps, hmm.run_forward,
                                      hmm.run_backward, wide_chain.smooth,
                                      hmm_emissions.write_gaps, hmm_emissions.add_moments,
                                      missing_entries.add_rows, missing_products.add_patterns,
                                      normal_moments.add_moments, normal_steps.maximise,
                                      normal_charts.free_gradient, normal_charts.free_point])
def test_a_pass_has_all_its_code_in_itself(function: Any) -> None:
    assert named(function) == []


def test_inner_functions_called_by_name_are_seen() -> None:
    """The sabotage: an inner function as Numba makes it by itself, too large to be inlined."""
    inner: Any = numba.njit(**blocks.OPTIONS)(blocks.load_block.py_func)

    def outer(rows: Any, seen: Any, x: Any, weight: Any) -> None:
        inner(rows, 0, seen, x, weight)

    types = tuple(blocks.numba_type(hint) for hint in (AnyMatrix, AnyVector, Matrix, Vector))
    assert len(named(numba.njit(types, **blocks.OPTIONS)(outer))) == 1


def test_compiled_here_or_read_from_disk(tmp_path: Path) -> None:
    def run() -> list[str]:
        return subprocess.run([sys.executable, "-c", STEP], cwd=ROOT, check=True, capture_output=True, text=True,
                              env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}).stdout.split()

    first, again = run(), run()
    assert (first[0], again[0]) == ("0", "1")
    assert first[1:] == again[1:]
