"""Make the copy of the book that Sphinx reads: the sources' prose with the outputs of this run.

A file is written only where it differs, so that Sphinx reads again only what changed.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import chapters
from run_chapters import cache_folder

COPIED = ["_config.yml", "_toc.yml", "index.md", "references.bib", "reference", "claims", "theorems", "assets"]


def stage(root: Path, notebooks: list[Path]) -> Path:
    """Bring ``_build/staging`` up to date and return it."""
    target = root / "_build" / "staging"
    copied = [path for name in COPIED for path in chapters.files_under(root / name)]
    wanted = {path.relative_to(root): path.read_bytes() for path in copied}
    for path in notebooks:
        wanted[path.relative_to(root)] = _composed(path, root)
    for path in chapters.files_under(target):
        if path.relative_to(target) not in wanted:
            path.unlink()
    for name, content in wanted.items():
        _write_if_new(target / name, content)
    return target


def _composed(path: Path, root: Path) -> bytes:
    """Return the chapter with the outputs of its cached run, as the bytes of a file."""
    run = chapters.read(cache_folder(root) / path.name)
    return chapters.text(chapters.with_outputs(chapters.read(path), run)).encode()


def _write_if_new(path: Path, content: bytes) -> None:
    """Leave an equal file alone; replace anything else that stands there."""
    if path.is_dir():
        shutil.rmtree(path)
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
