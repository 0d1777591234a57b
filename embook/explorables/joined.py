"""Several pictures of one thing under one range input: `joined`."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain

from embook.explorables.controls import AGAIN, range_control
from embook.explorables.page import Explorable, assembled, checked, drawing
from embook.explorables.stepped import Stepped


def joined(
    id: str,
    pictures: Sequence[Stepped],
    *,
    alts: Sequence[str],
    label: str,
    says: Sequence[str],
) -> Explorable:
    """Return pictures one above the other, stepped through together by the range input under them.

    Parameters
    ----------
    id : str
        Stable HTML id, unique on its page; never derived from a time or an address.
    pictures : sequence of Stepped
        All with the same values and the same start.
    alts : sequence of str
        For each picture a sentence on what it shows.
    label : str
        Name of what the slider changes.
    says : sequence of str
        What the figure tells at each position, also read out.

    Raises
    ------
    ValueError
        When the pictures do not match each other or their words, or `id` or an alternative text will not do.
    """
    first = pictures[0]
    _matched(pictures, alts, says)
    drawn = [
        picture.legend() + drawing(picture.axes.width, picture.axes.height, alt, picture.picture(f"{id}-{k}"))
        for k, (picture, alt) in enumerate(zip(pictures, alts, strict=True))
    ]
    words = (first.values[first.start], first.values[first.start])
    control = range_control(id, "range", label, (0, len(first.frames) - 1, 1), first.start, words)
    paths = [list(chain(*parts)) for parts in zip(*(picture.paths() for picture in pictures), strict=True)]
    data = {"paths": paths, "values": list(first.values), "says": list(says), "positions": None}
    script = f"(root, data) => {{ root.dataset.index = {first.start}; emlib.stepped(root, data); }}"
    body = "".join(drawn) + control + AGAIN
    return assembled(id, body, data, "stepped.js", script, " ".join(alts), says[first.start])


def _matched(pictures: Sequence[Stepped], alts: Sequence[str], says: Sequence[str]) -> None:
    first = pictures[0]
    for k, picture in enumerate(pictures):
        if (list(picture.values), picture.start) != (list(first.values), first.start):
            raise ValueError(f"pictures[{k}] has other values or another start than pictures[0]: they move together")
    if len(alts) != len(pictures):
        raise ValueError(f"alts has {len(alts)} entries for {len(pictures)} pictures: give one each")
    for alt in alts:
        checked("a", alt)
    if len(says) != len(first.frames):
        raise ValueError(f"says has {len(says)} entries for {len(first.frames)} frames: give one each")
