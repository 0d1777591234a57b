"""Make ``pytest --nbval`` compare outputs by what they show; see `tools/same_outputs.py`."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any


def pytest_itemcollected(item: Any) -> None:
    """Wrap the comparison of a notebook's cell; without ``--nbval`` there is none."""
    nbval = sys.modules.get("nbval.plugin")
    if nbval is not None and isinstance(item, nbval.IPyNbCell):
        item.compare_outputs = partial(compare_outputs, item, item.compare_outputs)


def compare_outputs(item: Any, by_nbval: Any, test: Any, ref: Any, skip_compare: Any = None) -> bool:
    """Hand nbval the committed text for what shows the same, and add to its report what differs, in words."""
    import same_outputs  # in tools, which pyproject.toml puts on the path

    shown, found = same_outputs.compared(ref, test)
    equal = by_nbval(shown, ref, skip_compare)
    item.comparison_traceback.extend(found)
    return equal and not found
