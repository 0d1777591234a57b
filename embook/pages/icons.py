"""Only the icons that the pages show; the theme's script, font and rules for all icons take 1.5 MB and more.

The script replaces what the style sheet draws already by pictures of the same; a page loses nothing without it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterable
from pathlib import Path

from sphinx.application import Sphinx

__all__ = ["setup"]

STYLE = "styles/pydata-sphinx-theme.css"
SCRIPT = re.compile(r"<script[^>]*fontawesome[^>]*></script>")
RULE = re.compile(r'(?<=[}])((?:\.fa-[\w-]+:before,?)+)\{content:"\\[0-9a-f]+"\}')
CODE = re.compile(r'"\\([ef][0-9a-f]{3})"|([\ue000-\uf8ff])')  # by its number, or the character itself
FACE = re.compile(r'src:url\(([^)]*)\.woff2\) format\("woff2"\),url\([^)]*\.ttf\) format\("truetype"\)')


def trim(app: Sphinx, exception: Exception | None) -> None:
    """Drop the script, the rules and the glyphs that no page needs; doing it again changes nothing."""
    static = Path(app.outdir) / "_static"
    style = static / STYLE
    if exception is not None or not style.is_file():
        return
    names = _used(Path(app.outdir))
    style.write_text(_trimmed(style.read_text(encoding="utf-8"), names), encoding="utf-8")
    codes = {int(number, 16) if number else ord(character) for path in static.rglob("*.css")
             for number, character in CODE.findall(path.read_text("utf-8"))}
    for font in static.glob("vendor/fontawesome/webfonts/*.ttf"):
        font.write_bytes(_subset(font, codes))
        font.with_suffix(".woff2").unlink(missing_ok=True)


def _used(folder: Path) -> set[str]:
    """Take the script out of every page, and return the names of the icons in pages and scripts."""
    names: set[str] = set()
    for path in (*folder.rglob("*.html"), *folder.rglob("*.js")):
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".html" and SCRIPT.search(text):
            path.write_text(SCRIPT.sub("", text), encoding="utf-8")
        if path.name != "fontawesome.js":
            names |= set(re.findall(r"\bfa-[a-z0-9-]+", text))
    return names


def _trimmed(style: str, names: Iterable[str]) -> str:
    """Return the style sheet without the rules of other icons; fonts come as TrueType, of which parts can be taken."""
    wanted = {f".{name}:before" for name in names}
    kept = RULE.sub(lambda rule: rule.group() if wanted & set(rule.group(1).split(",")) else "", style)
    return FACE.sub(r'src:url(\1.ttf) format("truetype")', kept)


def _subset(font: Path, codes: set[int]) -> bytes:
    """Return the font with these characters only."""
    from fontTools import subset, ttLib

    whole = ttLib.TTFont(font, recalcTimestamp=False)
    part = subset.Subsetter()
    part.populate(unicodes=codes)
    part.subset(whole)
    found = io.BytesIO()
    whole.save(found)
    return found.getvalue()


def setup(app: Sphinx) -> dict[str, object]:
    """Register the step after a build."""
    app.connect("build-finished", trim)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
