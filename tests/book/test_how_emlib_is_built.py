"""The page on how emlib is built, and the recipes, name what is there: names, files, every part of the package."""

from __future__ import annotations

import importlib
import re
from functools import reduce
from xml.etree import ElementTree

import pytest

from setup_env import ROOT

PAGE = (ROOT / "reference" / "how_emlib_is_built.md").read_text(encoding="utf-8")
DRAWING = (ROOT / "reference" / "emlib_rooms.svg").read_text(encoding="utf-8")
NAME = re.compile(r"`(emlib(?:\.\w+)+)`")
FILE = re.compile(r"`((?:tests/[\w/.]+|CONTRIBUTING\.md))`")


def is_there(name: str) -> bool:
    """Return whether a dotted name is a module, or an attribute of one or of a class in it."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            module = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        try:
            reduce(_member, parts[end:], module)
        except AttributeError:
            return False
        return True
    return False


def _member(owner: object, name: str) -> object:
    """Return an attribute; a field of a dataclass without default stands in its annotations alone."""
    return owner if name in getattr(owner, "__annotations__", {}) else getattr(owner, name)


def test_every_name_on_the_page_is_there() -> None:
    names = NAME.findall(PAGE)
    assert len(set(names)) > 30
    assert [name for name in names if not is_there(name)] == []


GONE = ["emlib.gone", "emlib.problem.Problem.gone", "emlib.model.Expectation.gone", "emlib.fit.gone"]


@pytest.mark.parametrize("name", GONE)
def test_a_name_that_is_gone_is_caught(name: str) -> None:
    assert not is_there(name)


def test_every_file_on_the_page_is_there() -> None:
    files = FILE.findall(PAGE)
    assert len(files) > 3
    assert [name for name in files if not (ROOT / name).exists()] == []


def test_every_file_in_the_recipes_is_there() -> None:
    recipes = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").partition("## What a chapter must keep")[0]
    files = re.findall(r"`((?:emlib|embook|tools|tests|reference|chapters|claims|theorems)/[\w./]*)`", recipes)
    made = [name for name in files if "NAME" in name or "annealing" in name]
    assert len(files) - len(made) > 10
    assert [name for name in files if name not in made and not (ROOT / name).exists()] == []


def test_every_part_of_the_package_is_on_the_page() -> None:
    paths = (ROOT / "emlib").iterdir()
    parts = {path.stem for path in paths if path.suffix == ".py" or (path / "__init__.py").exists()}
    named = {name.split(".")[1] for name in NAME.findall(PAGE)}
    assert parts - {"__init__"} - named == set()


def test_the_drawing_has_words_for_all_and_the_colour_of_the_page() -> None:
    root = ElementTree.fromstring(DRAWING)
    assert len(root.get("aria-label", "")) > 40
    assert not re.search(r"#[0-9a-f]{3}\b|rgb|white|black", DRAWING)
    left, _, width, _ = map(float, root.get("viewBox", "").split())
    rooms = [rect for rect in root.iter() if rect.tag.endswith("rect")]
    assert rooms
    for room in rooms:
        start, length = float(room.get("x", "")), float(room.get("width", ""))
        assert left <= start < start + length <= width


def test_the_page_is_short() -> None:
    assert len(PAGE.splitlines()) <= 120
