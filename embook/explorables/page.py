"""What every explorable is made of: its markup, its numbers as JSON, our style sheet and our scripts, in one string."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class Explorable:
    """A small interactive figure; a notebook shows it as the value of a cell.

    Parameters
    ----------
    html : str
        Markup, style and script, self-contained: it asks no other file or host for anything.
    text : str
        What it shows, for a reader without HTML.
    """

    html: str
    text: str

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.text


def asset(name: str) -> str:
    """Return the text of a file under ``embook/assets``."""
    return files("embook").joinpath("assets", name).read_text(encoding="utf-8")


def checked(identifier: str, alt: str) -> None:
    """Raise ValueError for an identifier that is no HTML id, or an alternative text that says nothing."""
    if not re.fullmatch(r"[a-z][a-z0-9-]*", identifier):
        raise ValueError(f"id is {identifier!r}: use lower-case letters, digits and hyphens, a letter first")
    if len(alt.split()) < 4:
        raise ValueError(f"alt is {alt!r}: say in a sentence what the figure shows")


def assembled(
    identifier: str, body: str, data: Mapping[str, Any], script: str, start: str, alt: str, tells: str = ""
) -> Explorable:
    """Put markup, data and scripts together.

    `start` is the script's function of (root, data); `tells` is a sentence under the figure that changes with the
    position, and is read aloud once the reader pauses. When it is empty, the figure's own readout says the same, and
    the sentence is heard only.
    """
    checked(identifier, alt)
    numbers = json.dumps(data, ensure_ascii=True, separators=(",", ":")).replace("</", "<\\/")
    told = f'<p class="emx-say" data-part="told">{escape(tells)}</p>\n' if tells else ""
    html = (
        f"<style>\n{asset('explorables.css')}</style>\n"
        f'<div class="emx" id="{identifier}">\n{body}\n'
        f'{told}<p class="emx-heard" data-part="say" aria-live="polite"></p>\n'
        f'<script type="application/json" data-part="data">{numbers}</script>\n</div>\n'
        f"<script>\n{asset('explorable.js')}{asset(script)}"
        f'emlib.explorable.run("{identifier}", {start});\n</script>'
    )
    return Explorable(html, f"[interactive figure] {alt}")


def drawing(width: int, height: int, alt: str, inside: str, outside: str = "") -> str:
    """Return an SVG picture: `inside` is the image that `alt` describes, `outside` holds the handles."""
    image = f'<g role="img" aria-label="{escape(alt)}">{inside}</g>'
    return f'<svg viewBox="0 0 {width} {height}" focusable="false">{image}{outside}</svg>'


def knob(label: str, at: tuple[int, int], low: float, high: float, now: str, words: str, *, plane: bool = False) -> str:
    """Return the handle: a slider to a screen reader, a disc to the eye, with a target wide enough for a finger."""
    role = ' aria-roledescription="slider in the plane"' if plane else ""
    return (
        f'<g class="handle" data-part="handle" role="slider" tabindex="0" aria-label="{escape(label)}"{role} '
        f'aria-valuemin="{low:g}" aria-valuemax="{high:g}" aria-valuenow="{now}" aria-valuetext="{escape(words)}" '
        f'transform="translate({at[0]} {at[1]})"><circle class="reach" r="330"/><circle class="ring" r="150"/>'
        '<circle class="knob" r="90"/></g>'
    )


def legend(entries: Sequence[tuple[str, str]]) -> str:
    """Return line samples with their meaning: (class of the line, words as HTML)."""
    items = (
        '<li><svg viewBox="0 0 300 120" aria-hidden="true" focusable="false">'
        f'<path class="curve {kind}" d="M15 60h270"/></svg><span>{words}</span></li>'
        for kind, words in entries
    )
    return f'<ul class="emx-legend">{"".join(items)}</ul>'


def shown(value: float, digits: int) -> str:
    """Return a number as the script shows it: a true minus sign, never minus zero."""
    text = f"{abs(value):.{digits}f}"
    return f"\N{MINUS SIGN}{text}" if value < 0 and float(text) != 0 else text


def gain(value: float, digits: int) -> str:
    """Return a change, with its sign."""
    return ("+" if value >= 0 else "") + shown(value, digits)
