"""The markup that explorables share: named parts that the script rewrites, range inputs, the table of steps."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

AGAIN = '<button type="button" data-part="again" disabled>Start again</button>'


def part(name: str, text: str, tag: str = "span") -> str:
    """Return an element whose text the script rewrites."""
    return f'<{tag} data-part="{name}">{text}</{tag}>'


def range_control(
    id: str, name: str, label: str, span: tuple[float, float, float], value: float, words: tuple[str, str]
) -> str:
    """Return a labelled range input over `span` (low, high, step); `words` are shown beside it and read out.

    It is dead until the script wakes it, so that no reader moves it in vain.
    """
    low, high, step = span
    shown, spoken = words
    return (
        f'<div class="emx-control"><label for="{id}-{name}">{escape(label)}</label>'
        f'<input type="range" id="{id}-{name}" data-part="{name}" min="{low:g}" max="{high:g}" step="{step:g}" '
        f'value="{value:g}" aria-valuetext="{escape(spoken)}" autocomplete="off" disabled>'
        f'<span class="emx-value" data-part="{name}_value">{escape(shown)}</span></div>'
    )


def steps_table(heads: Sequence[str], rows: Sequence[str]) -> str:
    """Return the table of steps that a reader can take; the first column holds the buttons."""
    head = "".join(f'<th scope="col">{words}</th>' for words in ("Take a step", *heads))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def step_row(name: str, title: str, cells: Sequence[tuple[str, str]]) -> str:
    """Return a row: the button that takes the step, then cells (name of the part or nothing, text)."""
    button = f'<button type="button" class="{name}" data-part="{name}-step" disabled>{escape(title)}</button>'
    rest = "".join(
        part(f"{name}-{which}", text, "td") if which else f"<td>{escape(text)}</td>" for which, text in cells
    )
    return f"<tr><td>{button}</td>{rest}</tr>"
