"""Performance profiles and ratios of costs: by hand on small tables, and refused where a table has holes."""

from __future__ import annotations

import numpy as np
import pytest

from embook.profiles import never_as_infinity, performance_profile, pivot, ratio_interval
from embook.study import Study


def table(rows: list[tuple[str, int, int]]) -> Study:
    kinds, places, values = zip(*rows, strict=True)
    columns = {"kind": np.array(kinds), "place": np.array(places), "value": np.array(values)}
    return Study({"study": "toy"}, 2, columns)


ROWS = [("b", 1, 10), ("b", 0, 11), ("a", 1, 12), ("a", 0, 13)]


def test_pivot_keeps_the_order_of_the_table() -> None:
    assert pivot(table(ROWS), "value", "kind", "place").tolist() == [[10, 11], [12, 13]]
    assert pivot(table(ROWS), "value", "place", "kind").tolist() == [[10, 12], [11, 13]]


@pytest.mark.parametrize("rows", [ROWS[:3], [*ROWS, ROWS[0]], [*ROWS[:3], ROWS[0]]])
def test_pivot_refuses_a_table_with_holes_or_doubles(rows: list[tuple[str, int, int]]) -> None:
    with pytest.raises(ValueError, match="do not fill 2 x 2 places once each"):
        pivot(table(rows), "value", "kind", "place")


def test_a_profile_counts_what_is_solved_within_each_multiple() -> None:
    costs = np.array([[1.0, 4.0, np.inf, np.inf], [2.0, 1.0, 8.0, np.inf]])
    assert performance_profile(costs, [1, 2, 4]).tolist() == [[0.25, 0.25, 0.5], [0.5, 0.75, 0.75]]


def test_never_is_infinite() -> None:
    assert never_as_infinity([3, -1]).tolist() == [3.0, np.inf]


def test_the_ratio_of_equal_replicates_has_an_interval_of_no_width() -> None:
    found = ratio_interval(np.full((2, 5), 30.0), np.full((2, 5), 10.0), 100, np.random.default_rng(0))
    assert found == pytest.approx({"low": 3.0, "ratio": 3.0, "high": 3.0})


def test_unsolved_runs_are_charged_the_limit_and_instances_that_nobody_solves_left_out() -> None:
    first, second = np.array([[np.inf, np.inf]]), np.array([[10.0, np.inf]])
    assert ratio_interval(first, second, 40, np.random.default_rng(0))["ratio"] == pytest.approx(4.0)
    assert np.isnan(ratio_interval(first, first, 40, np.random.default_rng(0))["ratio"])


def test_the_interval_covers_the_true_ratio_and_shrinks_with_replicates() -> None:
    rng = np.random.default_rng(1)
    widths = []
    for n_starts in (20, 500):
        second = np.exp(rng.standard_normal((3, n_starts)))
        found = ratio_interval(2.0 * second * np.exp(0.3 * rng.standard_normal((3, n_starts))), second, np.inf, rng)
        assert found["low"] < 2.0 < found["high"]
        widths.append(found["high"] / found["low"])
    assert widths[1] < widths[0]
