"""A book of two small chapters for the tests of the tools."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import chapters

CONFIG = """\
title: Tiny
author: nobody
only_build_toc_files: true
exclude_patterns: [".*"]
execute: {execute_notebooks: "off"}
"""
TOC = """\
format: jb-book
root: index
chapters:
  - file: chapters/01_good
  - file: chapters/02_other
"""
TITLE = """\
# A title

```sh
papermill chapters/{name}.ipynb out.ipynb -p n 3
```
"""


def notebook(name: str, *code: str) -> Any:
    """Return a chapter of four cells or more that keeps every rule but has no outputs yet."""
    cells = [
        new_markdown_cell(TITLE.format(name=name).rstrip(), id="title"),
        new_code_cell("import math", id="setup"),
        new_code_cell("n: int = 5  # draws", id="parameters", metadata={"tags": ["parameters"]}),
        *(new_code_cell(source, id=f"code-{place}") for place, source in enumerate(code)),
    ]
    about = {"kernelspec": dict(chapters.KERNEL), "language_info": {"name": "python"}}
    return new_notebook(cells=cells, metadata=about)


def finished(name: str, *code: str) -> Any:
    """Return such a chapter as a refresh would leave it, with a printed line for each cell."""
    run = notebook(name, *code)
    for cell in chapters.code_cells(run)[2:]:
        cell.outputs = [stream("1\n")]
    return chapters.with_outputs(run, run)


def stream(text: str, name: str = "stdout") -> Any:
    """Return a stream output."""
    return new_output("stream", name=name, text=text)


def make(root: Path, good: str = "print(n * 2)", other: str = "print(math.sqrt(n))") -> list[Path]:
    """Write the book's files and return its notebooks."""
    texts = {"_config.yml": CONFIG, "_toc.yml": TOC, "index.md": "# Tiny\n"}
    empty = {"requirements.txt": "", "claims/a.yml": "[]", "emlib/__init__.py": ""}
    for name, text in {**texts, **empty}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    for name, code in (("01_good", good), ("02_other", other)):
        chapters.write(notebook(name, code), root / "chapters" / f"{name}.ipynb")
    return chapters.listed(root)
