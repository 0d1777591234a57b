"""The text as symbols: what the alphabet says, and no character lost or made up."""

from __future__ import annotations

from importlib.resources import files

import numpy as np

from emlib import datasets

SYMBOLS, ALPHABET = datasets.text_symbols()
TEXT = "".join(ALPHABET[symbol] for symbol in SYMBOLS)
SOURCE = files("emlib.datasets").joinpath("pride_and_prejudice.txt").read_text("utf-8")


def letters_lost(text: str) -> int:
    """Letters of the source that a text lacks or adds, whatever their order."""
    counts = [np.bincount(np.frombuffer("".join(filter(str.isalpha, words.lower())).encode(), np.uint8), minlength=128)
              for words in (text, SOURCE)]
    return int(np.abs(counts[0] - counts[1]).sum())


def test_the_symbols_read_as_the_novel() -> None:
    assert TEXT.startswith("it is a truth universally acknowledged that a single man in possession")
    assert TEXT.endswith("i quite detest the man")
    assert SYMBOLS.shape == (17442,)
    assert sorted(set(SYMBOLS.tolist())) == list(range(27))


def test_no_letter_is_lost_and_no_space_doubled() -> None:
    assert letters_lost(TEXT) == 0
    assert letters_lost(TEXT[1:]) == 1, "the control: a lost letter is seen"
    assert "  " not in TEXT


def test_arrays_are_fresh() -> None:
    datasets.text_symbols()[0][:] = 0
    assert datasets.text_symbols()[0].any()
