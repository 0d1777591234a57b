"""The public names and signatures are frozen: a change must be made on purpose, in `public_surface.txt`, too."""

from __future__ import annotations

import inspect

import pytest

import emlib
import emlib.algorithms
import emlib.models
from tests import public_surface


def test_public_names_and_signatures_are_the_recorded_ones() -> None:
    recorded = public_surface.RECORD.read_text(encoding="utf-8").splitlines()
    assert public_surface.described() == recorded, "write it anew with `python -m tests.public_surface`, on purpose"


def test_a_new_parameter_or_name_would_show(monkeypatch: pytest.MonkeyPatch) -> None:
    before = public_surface.described()
    monkeypatch.setattr(emlib, "fit", lambda model, data, other=1: None)
    assert "emlib.fit(model, data, other=1)" in public_surface.described()
    monkeypatch.setattr(emlib, "__all__", [name for name in emlib.__all__ if name != "Status"])
    assert not any(line.startswith("emlib.Status") for line in public_surface.described())
    monkeypatch.undo()
    assert public_surface.described() == before


def test_design_names_are_there() -> None:
    """The names that notebooks rely on (this version's part of them)."""
    assert {"fit", "Problem", "Result", "Status", "solve"} <= set(emlib.__all__)
    assert {"GaussianMixture", "PoissonMixture", "Linkage"} <= set(emlib.models.__all__)
    assert {"EM", "EMGradient", "FirstOrderEM", "GradientAscent", "LBFGS", "Newton", "SciPy"} <= set(
        emlib.algorithms.__all__)
    wanted = ["model", "data", "start", "algorithm", "n_starts", "rng", "tol", "max_estep", "sample_weight", "callback",
              "progress"]
    assert set(wanted) <= set(inspect.signature(emlib.fit).parameters)


def test_everything_public_is_documented() -> None:
    for module in public_surface.MODULES:
        loaded = __import__(module, fromlist=["__all__"])
        for name in loaded.__all__:
            assert inspect.getdoc(getattr(loaded, name)), f"{module}.{name} has no docstring"
