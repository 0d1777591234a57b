"""Cases with a held field, made from others: the same law, in which these entries are constants."""

from __future__ import annotations

from dataclasses import replace

from tests.contract import charts
from tests.contract.cases import chains, mixtures
from tests.contract.cases.case import Case


def _held(source: list[Case], name: str, field: str) -> Case:
    """The case of this name, with a field held at its value at one of the case's points."""
    case = next(case for case in source if case.name == name)
    value = getattr(case.points[0], field)
    return replace(case, name=f"{name}-held-{field}", model=replace(case.model, fixed={field: value}),
                   fields=case.fields | {field: (charts.Constant(value), value.shape)}, own_statistics=None)


HELD = [_held(mixtures.CASES, "gaussian-full-d1-k2", "weights"), _held(mixtures.CASES, "gaussian-full-d1-k2", "means"),
        _held(chains.CASES, "hmm-counts-k2", "transition")]
