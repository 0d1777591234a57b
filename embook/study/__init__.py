"""Tables of experiments too long for a chapter: how they are run, read and checked.

`store` says what a study is, reads and writes its table; `check` compares recomputed cells with it; ``python -m
embook.study NAME`` runs one of `embook.studies`. Imports `embook.machine` alone.
"""

from embook.study.check import recompute, sample
from embook.study.store import FOLDER, Cell, Study, copies, load, module, place, plain, text, write

__all__ = ["FOLDER", "Cell", "Study", "copies", "load", "module", "place", "plain", "recompute", "sample",
           "text", "write"]
