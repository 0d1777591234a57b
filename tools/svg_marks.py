"""Read the marks of an SVG picture in the order in which they are painted, in CSS pixels of the page.

References are followed, so names of elements do not matter, and what is only defined is not a mark.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from svg_paths import Curve, curves, matrix_of, moved, pixels, rectangle

UNSEEN = {"metadata", "defs", "clipPath"}
# attributes that are read as geometry or references; every other one is part of a mark's look
READ = {"d", "x", "y", "width", "height", "transform", "id", "href", "clip-path", "viewBox", "version"}
LETTERS = np.array([[0.0, 0.0], [200.0, 0.0], [0.0, 100.0]])  # a few letters, in the units of a line of text


@dataclass(frozen=True)
class Mark:
    """One thing that a picture shows.

    Parameters
    ----------
    groups : tuple of str
        The ids of the groups round it, outermost first ("figure_1", "axes_1", "line2d_5").
    look : tuple of str
        What must be equal: its kind, its words, its styles.
    curves : tuple of Curve
        Where it is drawn.
    windows : tuple of Curve
        What it is cut off at.
    """

    groups: tuple[str, ...]
    look: tuple[str, ...]
    curves: tuple[Curve, ...] = ()
    windows: tuple[Curve, ...] = ()

    @property
    def name(self) -> str:
        """Return the name of the mark in messages: its words or its nearest group."""
        return f'the text "{self.look[1]}"' if self.look[0] == "text" else (self.groups or self.look)[-1]

    def group(self, kind: str) -> str:
        """Return the outermost group of a kind ("axes") that the mark belongs to, or nothing."""
        return next((group for group in self.groups if group.startswith(f"{kind}_")), "")


@dataclass(frozen=True)
class Place:
    """Properties that an element inherits: the groups round it, the styles, the windows, the map to the page."""

    groups: tuple[str, ...] = ()
    look: tuple[str, ...] = ()
    windows: tuple[Curve, ...] = ()
    matrix: NDArray[np.float64] = field(default_factory=lambda: np.eye(3))


def marks(text: str) -> list[Mark]:
    """Return the marks of a picture.

    Raises
    ------
    ValueError
        When the picture holds something that this module does not know.
    """
    try:
        builder = ElementTree.TreeBuilder(insert_comments=True)
        root = ElementTree.fromstring(text, ElementTree.XMLParser(target=builder))
    except ElementTree.ParseError as error:
        raise ValueError(f"a fault in its XML ({error})") from error
    return list(_Reader(root).page(root))


class _Reader:
    """Walks through a picture; `named` finds what a reference means."""

    def __init__(self, root: Any) -> None:
        self.named = {f"#{element.get('id')}": element for element in root.iter() if element.get("id")}

    def page(self, root: Any) -> Iterator[Mark]:
        """Yield the page itself, then everything on it."""
        left, top, width, height = (float(number) for number in root.get("viewBox", "").split())
        across, down = pixels(root.get("width")) / width, pixels(root.get("height")) / height
        at = Place(matrix=np.array([[across, 0, -left * across], [0, down, -top * down], [0, 0, 1.0]]))
        yield Mark((), ("page",), (moved(rectangle(left, top, width, height), at.matrix),))
        yield from self.children(root, replace(at, look=_look(root)))

    def children(self, element: Any, at: Place) -> Iterator[Mark]:
        """Yield the marks inside an element; a comment says in words what the group after it draws in outlines."""
        words: str | None = None
        for child in element:
            if child.tag is ElementTree.Comment:
                words = str(child.text).strip()
            elif words is not None and _tag(child) == "g":
                yield self.text(child, self.inside(child, at), words)
                words = None
            else:
                words = None
                yield from self.drawn(child, at)

    def drawn(self, element: Any, at: Place) -> Iterator[Mark]:
        """Yield the marks of one element."""
        tag, here = _tag(element), self.inside(element, at)
        if tag == "g":
            yield from self.children(element, here)
        elif tag in {"path", "rect"}:
            shape = tuple(moved(curve, here.matrix) for curve in _shape(element))
            yield Mark(here.groups, ("shape", *here.look), shape, here.windows)
        elif tag == "use":
            x, y = float(element.get("x", 0)), float(element.get("y", 0))
            shifted = replace(here, matrix=here.matrix @ np.array([[1, 0, x], [0, 1, y], [0, 0, 1.0]]))
            yield from self.drawn(self.target(_href(element)), shifted)
        elif tag not in UNSEEN:
            raise ValueError(f"<{tag}>")
        for style in element.iter() if tag == "defs" else ():
            if _tag(style) == "style":
                yield Mark((), ("style sheet", str(style.text).strip()))

    def text(self, group: Any, here: Place, words: str) -> Mark:
        """Return a line of text: its words and its fonts, where it begins, how large it is and how it is turned."""
        fonts = {_href(use).rpartition("-")[0] for use in group.iter() if _tag(use) == "use"}
        look = ("text", words, *sorted(fonts), *here.look)
        return Mark(here.groups, look, (moved(Curve(LETTERS), here.matrix),), here.windows)

    def inside(self, element: Any, at: Place) -> Place:
        """Return what the element hands on to what it draws."""
        matrix = at.matrix @ matrix_of(element.get("transform", ""))
        groups = (*at.groups, element.get("id")) if _tag(element) == "g" and element.get("id") else at.groups
        windows = at.windows
        if window := element.get("clip-path"):
            inner = self.target(window.removeprefix("url(").removesuffix(")"))
            windows += tuple(moved(curve, matrix) for child in inner for curve in _shape(child))
        return Place(groups, at.look + _look(element), windows, matrix)

    def target(self, name: str) -> Any:
        """Return the element that a reference means."""
        if name not in self.named:
            raise ValueError(f"a reference to {name or 'nothing'}")
        return self.named[name]


def _tag(element: Any) -> str:
    return "comment" if element.tag is ElementTree.Comment else str(element.tag).rpartition("}")[2]


def _href(element: Any) -> str:
    return str(element.get("{http://www.w3.org/1999/xlink}href") or element.get("href") or "")


def _look(element: Any) -> tuple[str, ...]:
    """Return what an element says about its looks, in an order of its own."""
    named = {key.rpartition("}")[2]: value for key, value in element.attrib.items()}
    declared = [part.strip() for part in named.pop("style", "").split(";") if part.strip()]
    found = sorted(declared) + sorted(f"{key}: {value}" for key, value in named.items() if key not in READ)
    if any("url(" in part for part in found):
        raise ValueError("a pattern or gradient")
    return tuple(found)


def _shape(element: Any) -> list[Curve]:
    """Return the curves of a path or a rectangle in its own coordinates."""
    if _tag(element) == "path":
        return curves(element.get("d", ""))
    if _tag(element) == "rect":
        return [rectangle(*(float(element.get(name, 0)) for name in ("x", "y", "width", "height")))]
    raise ValueError(f"<{_tag(element)}> as a shape")
