"""The step after a build that keeps the icons of the pages and drops all others."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pydata_sphinx_theme
from fontTools.ttLib import TTFont

from embook.pages import icons as sphinx_icons

FACE = '@font-face{src:url(../f/a.woff2) format("woff2"),url(../f/a.ttf) format("truetype")}'
RULES = ':root{--link:"\uf08e"}.fa-bars:before,.fa-navicon:before{content:"\\f0c9"}'
RULES += '.fa-ghost:before{content:"\\f6e2"}.note{content:"\\f05a"}'
PAGE = '<script defer src="_static/scripts/fontawesome.js?digest=1"></script><i class="fa-solid fa-bars"></i>'


def built(folder: Path) -> Any:
    """Write what a build leaves behind, and return what stands for Sphinx."""
    theme = Path(pydata_sphinx_theme.__file__).parent / "theme" / "pydata_sphinx_theme" / "static"
    font = next(theme.rglob("fa-solid-900.ttf"))
    for name, content in {
        "index.html": PAGE.encode(), "_static/styles/pydata-sphinx-theme.css": (FACE + RULES).encode(),
        "_static/vendor/fontawesome/webfonts/fa-solid-900.ttf": font.read_bytes(),
        "_static/vendor/fontawesome/webfonts/fa-solid-900.woff2": b"",
    }.items():  # fmt: skip
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return SimpleNamespace(outdir=folder)


def test_the_icons_of_the_pages_stay_and_no_others(tmp_path: Path) -> None:
    app = built(tmp_path)
    sphinx_icons.trim(app, None)
    assert (tmp_path / "index.html").read_text() == '<i class="fa-solid fa-bars"></i>'
    style = (tmp_path / "_static" / sphinx_icons.STYLE).read_text()
    assert ".fa-bars:before" in style
    assert ".fa-ghost" not in style
    assert style.startswith('@font-face{src:url(../f/a.ttf) format("truetype")}')
    fonts = tmp_path / "_static" / "vendor" / "fontawesome" / "webfonts"
    assert [font.name for font in fonts.iterdir()] == ["fa-solid-900.ttf"]
    assert set(TTFont(fonts / "fa-solid-900.ttf").getBestCmap()) == {0xF0C9, 0xF05A, 0xF08E}


def test_doing_it_again_changes_nothing_and_a_failed_build_is_left_alone(tmp_path: Path) -> None:
    app = built(tmp_path)
    sphinx_icons.trim(app, ValueError("the build failed"))
    assert (tmp_path / "index.html").read_text() == PAGE
    sphinx_icons.trim(app, None)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    sphinx_icons.trim(app, None)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
