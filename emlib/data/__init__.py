"""How raw data become validated units: arrays, `Chunks` that are read again and again, and what is measured of both.

A model supplies a `Reader`, and `read` drives it: those of rows, sequences and regressions are in the modules of these
names; `arrays` turns what users have into numbers, `validate` checks single arrays, `moments` are those of rows.
Import the names below from here.
"""

from emlib.data.chunks import Chunked, Chunks
from emlib.data.reader import Reader, Tally
from emlib.data.reading import any_units, read, require_data
from emlib.data.units import SURVEY_ROWS, Data, picks

__all__ = ["SURVEY_ROWS", "Chunked", "Chunks", "Data", "Reader", "Tally", "any_units", "picks", "read", "require_data"]
