"""Rules about what a reader sees: figures, sizes, prose."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import chapters
from rules.chapter import Chapter, shown
from setup_env import ROOT

OUTPUT_BYTES = 150_000
CHAPTER_BYTES = 1_000_000
IMAGES = ("image/svg+xml", "image/png", "image/jpeg")
MACHINE_PATH = re.compile(r"(?<![\w.:/<])/(?:home|tmp|root|Users|usr|var|opt|mnt|private)/\w|\b[A-Z]:\\\w")
HURRIED = re.compile(r"\b(clearly|obviously|it is easy to see|trivially)\b", re.IGNORECASE)
FOLDED_PROOF = re.compile(r"^[`:]{3,}\{prf:\w+\}[^\n]*\n(?:[^\n`]*\n)*?:class:[^\n]*\bdropdown\b", re.MULTILINE)
TWO_SENTENCES = re.compile(r"[a-z)\]*$][.?!] +(?=[A-Z][a-z])")
SHORTENED = re.compile(r"\b(?:e\.g|i\.e|cf|vs|al|ch|eq|fig|sec|resp|pp?|approx|St)\. ", re.IGNORECASE)
RUN_IN = re.compile(r"^\s*(?:[-*]|\d+\.)?\s*\*\*[^*]+\*\*")
NO_PROSE = re.compile(r"^\s*(?:\||#|:|`|\$|>? *\[|<)")


def figures(chapter: Chapter) -> Iterator[str]:
    """Refuse figures without number, caption or alternative text, and two figures in one cell."""
    for number, cell in chapter.cells("code"):
        images = [output for output in cell.outputs if any(kind in output.get("data", {}) for kind in IMAGES)]
        if len(images) > 1:
            yield f"cell {number}: shows {len(images)} figures; one figure a cell"
        if images:
            yield from _described(number, cell.metadata.get("mystnb", {}))


def _described(number: int, mystnb: Any) -> Iterator[str]:
    """Name what a figure's metadata lacks."""
    wanted = {"figure": ("name", "caption"), "image": ("alt",)}
    for group, keys in wanted.items():
        for key in keys:
            if len(str(mystnb.get(group, {}).get(key, ""))) < (3 if key == "name" else 20):
                yield f"cell {number}: a figure needs mystnb: {group}: {key} in its metadata, a real one"


def sizes(chapter: Chapter) -> Iterator[str]:
    """Refuse outputs and chapters that are too large to load and to review."""
    for number, output in chapter.outputs():
        size = len(shown(output).encode())
        if size > OUTPUT_BYTES:
            yield f"cell {number}: output of {size // 1000} kB, at most {OUTPUT_BYTES // 1000}; draw it as PNG"
    size = chapter.path.stat().st_size
    if size > CHAPTER_BYTES:
        yield f"the chapter has {size // 1000} kB, at most {CHAPTER_BYTES // 1000}"


def no_machine_paths(chapter: Chapter) -> Iterator[str]:
    """Refuse outputs that name a place on the machine that made them."""
    for number, output in chapter.outputs():
        text = shown(output)
        if MACHINE_PATH.search(text) or str(ROOT) in text:
            yield f"cell {number}: output names a path of this machine; print less"


def no_split_mark(chapter: Chapter) -> Iterator[str]:
    """Refuse ``+++`` lines: the cell would split in two when edited as Markdown."""
    for number, cell in chapter.cells("markdown"):
        if re.search(r"^\+\+\+", cell.source, re.MULTILINE):
            yield f"cell {number}: has a line that begins with +++; remove it"


def proofs_unfolded(chapter: Chapter) -> Iterator[str]:
    """Refuse a folded theorem or proof: it takes away every button of the page."""
    for number, cell in chapter.cells("markdown"):
        if FOLDED_PROOF.search(cell.source):
            yield f"cell {number}: `:class: dropdown` on a prf directive; put a {{dropdown}} round the proof"


def unhurried(chapter: Chapter) -> Iterator[str]:
    """Refuse words that hurry a reader past a step."""
    for number, cell in chapter.cells("markdown"):
        for found in HURRIED.findall(cell.source):
            yield f"cell {number}: says {found!r}; give the reason instead"


def sentence_a_line(chapter: Chapter) -> Iterator[str]:
    """Refuse two sentences on a line: changes are then hard to review."""
    for number, cell in chapter.cells("markdown"):
        prose = re.sub(r"(?ms)^(`{3,}|\$\$).*?^\1", "", cell.source)
        for line in prose.splitlines():
            if not NO_PROSE.match(line) and TWO_SENTENCES.search(SHORTENED.sub("", RUN_IN.sub("", line))):
                yield f"cell {number}: more than one sentence on the line {line[:60]!r}"


def banner(chapter: Chapter) -> Iterator[str]:
    """Refuse a chapter without its title, or without the line that re-runs it with known parameters."""
    prose = "\n".join(cell.source for _, cell in chapter.cells("markdown"))
    first = chapter.notebook.cells[0] if chapter.notebook.cells else None
    if first is None or first.cell_type != "markdown" or not re.search(r"^# \S", first.source, re.MULTILINE):
        yield "the first cell does not hold the title (# …)"
    lines = re.findall(rf"papermill chapters/{re.escape(chapter.path.name)} \S+(.*)", prose)
    if not lines:
        yield f"no line `papermill chapters/{chapter.path.name} out.ipynb -p …` tells how to re-run the chapter"
    known = set(chapters.parameters(chapter.notebook))
    for name in sorted({name for line in lines for name in re.findall(r"-p (\w+)", line)} - known):
        yield f"the papermill line names {name!r}, which is no parameter; there are: {', '.join(sorted(known))}"


RULES = [
    figures, sizes, no_machine_paths, no_split_mark, proofs_unfolded, unhurried, sentence_a_line, banner,
]  # fmt: skip
