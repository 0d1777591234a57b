"""How raw data become validated units: arrays, `Chunks` that are read again and again, and what models measure of both.

Import the names below from here; `validate` has the checks of arrays, weights and settings, `moments` those of rows.
"""

from emlib.data.chunks import Chunked, Chunks
from emlib.data.units import SURVEY_ROWS, Data, picks

__all__ = ["SURVEY_ROWS", "Chunked", "Chunks", "Data", "picks"]
