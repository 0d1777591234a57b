"""Checked exercises: the right answer is right, every known slip is refused with its own sentence."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chapters
import embook
from embook.exercises import exercises
from embook.exercises.exercise import Exercise, told
from rules.lesson import CHECKED, lessons

EVERY = [(int(number), which) for number in lessons() for which in exercises(int(number))]
DOUBLE = Exercise(lambda x: 2 * x, {"add, do not multiply": lambda x: x + 3}, cases=((1.0,), (np.array([1.0, 2.0]),)))
PAIR = Exercise([1.0, 2.0], {"the order is the other one": [2.0, 1.0]})


def nothing(x: Any) -> None:
    """Forget to return."""


def broken(x: Any) -> float:
    """Fail."""
    raise ZeroDivisionError("by zero")


def test_the_right_answer_is_right_and_a_slip_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for chapter, which in EVERY:
        exercise, name = exercises(chapter)[which], f"ex-{chapter}-{which}"
        assert exercise.slips, f"{name} refuses no slip"
        embook.check(name, exercise.right)
        assert capsys.readouterr().out == f"{name}: right\n"
        for hint, slip in exercise.slips.items():
            embook.check(name, slip)
            assert capsys.readouterr().out == f"{name}: not yet: {hint}\n"


def test_a_chapter_asks_for_its_registered_exercises_and_at_least_two() -> None:
    for number in lessons():
        code = "\n".join(cell.source for cell in chapters.code_cells(chapters.read(chapters.find(number))))
        asked = {int(which) for _, which in CHECKED.findall(code)}
        assert asked == set(exercises(int(number))), f"chapter {number}"
        assert len(asked) >= 2, f"chapter {number}"


@pytest.mark.parametrize(("exercise", "answer", "sentence"), [
    (PAIR, None, "not answered yet"),
    (PAIR, ..., "not answered yet"),
    (PAIR, (1, 2), "right"),
    (PAIR, [2, 1], "not yet: the order is the other one"),
    (PAIR, [1, 5], "not yet: the largest difference from the right answer is 3"),
    (PAIR, 1.0, r"not yet: the shape is \(\), it should be \(2,\)"),
    (PAIR, "one", "not yet: a number or an array"),
    (PAIR, [1, np.nan], "not yet: the answer holds infinities"),
    (DOUBLE, 3.0, "not yet: a function is asked for"),
    (DOUBLE, lambda x: x * 2.0, "right"),
    (DOUBLE, lambda x: ..., "not answered yet"),
    (DOUBLE, nothing, "not yet: the function returns None"),
    (DOUBLE, broken, "not yet: the function raises ZeroDivisionError: by zero"),
])
def test_every_answer_earns_a_sentence(exercise: Exercise, answer: Any, sentence: str) -> None:
    assert re.match(sentence, told(exercise, answer))


def test_a_function_that_changes_its_arguments_is_judged_by_its_result() -> None:
    def greedy(x: Any) -> Any:
        x *= 2
        return x

    assert told(DOUBLE, greedy) == "right"
    assert told(DOUBLE, greedy) == "right"


@pytest.mark.parametrize("name", ["ex-1-99", "1.2", "ex-99-1"])
def test_an_unknown_exercise_is_named_with_what_there_is(name: str) -> None:
    check: Callable[..., None] = embook.check
    with pytest.raises(ValueError, match=re.escape(repr(name))):
        check(name, 1)
