"""Small tables, glued numbers and the one-line report of an identity with its sabotaged twin."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

from embook.format import IDENTITY_FLOOR, gap, number

__all__ = ["glue", "identity", "show", "table"]


def show(bundle: dict[str, Any]) -> None:
    """Display a MIME bundle in a notebook, or print its plain text elsewhere."""
    from IPython.core.getipython import get_ipython
    from IPython.display import display

    if get_ipython() is None:
        print(bundle["text/plain"])
    else:
        display(bundle, raw=True)  # type: ignore[no-untyped-call]


def table(rows: Sequence[Sequence[Any]], columns: Sequence[str], caption: str | None = None, digits: int = 6) -> None:
    """Show a small table as HTML and as text, numbers through the one formatter.

    Parameters
    ----------
    rows : sequence of sequences
        One inner sequence a row, as long as ``columns``.
    columns : sequence of str
        The headings.
    caption : str, optional
        What the table shows, in a sentence.
    digits : int
        Significant digits of floats.

    Raises
    ------
    ValueError
        If a row is not as long as the headings.
    """
    for index, row in enumerate(rows):
        if len(row) != len(columns):
            raise ValueError(f"rows[{index}] has {len(row)} cells, columns has {len(columns)}: one cell a heading")
    cells = [[number(value, digits) for value in row] for row in rows]
    show({"text/html": _html(cells, columns, caption), "text/plain": _text(cells, columns, caption)})


def _html(cells: list[list[str]], columns: Sequence[str], caption: str | None) -> str:
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in cells)
    inner = f'<table class="emlib-table">{title}<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    # A scrolling region must be reachable by keyboard, hence the tabindex.
    label = escape(caption or "table", quote=True)
    opening = f'<div class="emlib-scroll" tabindex="0" role="region" aria-label="{label}">'
    return f"{opening}{inner}</div>"


def _text(cells: list[list[str]], columns: Sequence[str], caption: str | None) -> str:
    lines = [list(columns), *cells]
    widths = [max(len(line[k]) for line in lines) for k in range(len(columns))]
    text = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join(([caption] if caption else []) + text)


def glue(name: str, value: Any, digits: int = 6) -> None:
    """Format a value and keep it for the prose, where ``{glue:text}`` followed by its name prints it.

    The text is formatted already: use the role without a format of its own.
    """
    from myst_nb import glue as myst_glue

    myst_glue(name, number(value, digits), display=False)


def identity(label: str, largest: float, tolerance: float = IDENTITY_FLOOR, *, control: float) -> bool:
    """Report the largest gap of an identity beside the gap of its sabotaged twin, which must be caught.

    Parameters
    ----------
    label : str
        What was checked.
    largest : float
        The largest absolute gap of the identity over all inputs tried.
    tolerance : float
        What counts as rounding noise here.
    control : float
        The smallest gap of the sabotaged version over the same inputs; it must exceed the tolerance.

    Returns
    -------
    bool
        True when the identity is within the tolerance *and* its twin is not: a check that cannot fail says nothing.
    """
    met, caught = abs(largest) < tolerance, abs(control) >= tolerance
    verdict = "" if met else f" (above {number(tolerance, 2)}: NOT met)"
    twin = "caught" if caught else "NOT caught"
    print(f"{label}: largest gap {gap(largest, tolerance)}{verdict}; sabotaged twin: {gap(control, 0.0)} ({twin})")
    return met and caught
