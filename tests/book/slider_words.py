"""Axes and words of a small slider of three positions, for the tests of interactive figures."""

from __future__ import annotations

from typing import Any

from embook import explorables as ex

AXES = ex.Axes(x=(0, 1), y=(-1, 1))
WORDS: dict[str, Any] = {
    "alt": "A line that turns as the step grows",
    "label": "step",
    "values": ["one", "two", "three"],
    "axes": AXES,
    "labels": ("x", "y"),
}
