"""The mutation score: faults that compile and differ, the same under a seed; what is caught, left, and kept."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

import chapters
import mutation
import mutation_places
import mutation_run
import mutation_trace
import tiny_book
from execute import Run
from mutation_named import NAMED, named
from mutation_operators import OPERATORS
from mutation_places import Mutant, files, mutants, sample
from mutation_run import Outcome, order, outcomes, tried
from mutation_trace import Trace
from setup_env import ROOT

MEAN = '''\
"""A mean."""

HALF = 1 / 2


def mean(values: list[float]) -> float:
    """Return s / n."""
    n = len(values)
    if n < 1 + 0:
        raise ValueError("give " + "more")
    return sum(values[0:]) * 1.0 / n


def spare(x: float) -> float:
    return -x + 2.0
'''
GOOD = "from emlib.mean import mean\nassert abs(mean([1.0] * n) - 1) < 0.01"  # catches two per cent, not a thousandth
OTHER = "from emlib.mean import mean\nprint(round(mean([1.0] * n), 4))"


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    """Make a book of two chapters, outputs included, on a package of one file."""
    paths = tiny_book.make(tmp_path, good=GOOD, other=OTHER)
    (tmp_path / "emlib" / "mean.py").write_text(MEAN)
    book = chapters.read(paths[1])
    chapters.code_cells(book)[-1].outputs = [tiny_book.stream("1.0\n")]
    chapters.write(book, paths[1])
    return tmp_path


def maps(root: Path) -> list[Trace]:
    """Return what a trace of the toy would say."""
    lines = {"emlib/mean.py": list(range(8, 12))}
    return [Trace(path.stem, lines, 1.0 + place, 1.0, 0) for place, path in enumerate(chapters.listed(root))]


def toy_mutant(root: Path, operator: str) -> Mutant:
    return next(mutant for mutant in mutants(root / "emlib" / "mean.py", root)
                if mutant.operator == operator and mutant.line == 11)


def test_every_fault_compiles_and_changes_the_code() -> None:
    for path in files(ROOT):
        source = path.read_text(encoding="utf-8")
        whole = ast.dump(ast.parse(source))
        found = mutants(path, ROOT)
        assert len({mutant.digest for mutant in found}) == len(found)
        for mutant in found[::40]:
            assert ast.dump(ast.parse(mutant.applied(source))) != whole, mutant


@pytest.mark.parametrize(("line", "expected"), [
    ("a - b", {"sign": ["a + b"], "term": ["a", "-b"]}), ("-a", {"sign": ["a"]}),
    ("a * b", {"times 1.001": ["1.001 * (a * b)"], "times 1.02": ["1.02 * (a * b)"]}),
    ("a[1:, -1]", {"index": ["a[2:, -1]", "a[1:, -2]"]}), ("a.shape[0]", {}), ("a['n']", {}),
    ("n - 1", {"sign": ["n + 1"], "term": ["-1"], "count": ["n", "n - 1"]}), ("len(a)", {"count": ["len(a) - 1"]}),
    ("a.sum(axis=-1)", {}), ("'a' + b", {}), ("[a] + b", {}), ("zeros(a * b)", {}), ("a[b * 2]", {}),
])
def test_operators(line: str, expected: dict[str, list[str]], tmp_path: Path) -> None:
    path = tmp_path / "one.py"
    path.write_text(f"def f(a, b, n):\n    return {line}\n")
    found: dict[str, list[str]] = {}
    for mutant in mutants(path, tmp_path):
        found.setdefault(mutant.operator, []).append(mutant.new[1:-1])
    assert found == expected


def test_messages_checks_and_constants_are_left_alone(toy: Path) -> None:
    assert {mutant.line for mutant in mutants(toy / "emlib" / "mean.py", toy)} == {8, 11, 15}


def test_the_seed_settles_the_order_and_operators_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mutation_places, "MATHEMATICS", ["families"])
    one, again, other = (list(sample(ROOT, seed)) for seed in (1, 1, 2))
    assert one == again
    assert one != other
    assert sorted(map(str, one)) == sorted(map(str, other))
    assert {mutant.operator for mutant in one[: len(OPERATORS)]} == set(OPERATORS)


def test_the_named_faults_still_apply_and_compile() -> None:
    found = named(ROOT)
    assert len(found) == len(NAMED) == 10
    for mutant in found:
        ast.parse(mutant.applied((ROOT / mutant.file).read_text(encoding="utf-8")))
        assert mutant.old in mutation.difference(mutant, ROOT)


def test_a_fault_for_another_source_is_refused(toy: Path) -> None:
    with pytest.raises(ValueError, match="does not have"):
        toy_mutant(toy, "times 1.02").applied("x" + MEAN)


def test_a_caught_fault_and_a_stubborn_one(toy: Path) -> None:
    before = {path: path.read_bytes() for name in mutation_trace.COPIED for path in chapters.files_under(toy / name)}
    base = mutation_trace.base(toy)
    gross, fine = (tried(toy_mutant(toy, name), base, maps(toy)) for name in ("times 1.02", "times 1.001"))
    assert (gross.caught, gross.by, gross.chapters) == ("run", "01_good", ("01_good",))
    assert "AssertionError" in gross.why
    assert (fine.caught, fine.chapters) == ("", ("01_good", "02_other"))
    assert fine.changed == '02_other, code cell 3: stdout: where it said "1.0 ", it says "1.001 "'
    assert {path: path.read_bytes() for path in before} == before
    assert not list((base.parent / "trees").iterdir())


def test_a_ledger_at_fault_catches(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = chapters.read(chapters.listed(toy)[0])
    ledger = iter([["old"], ["old", "S1 is wrong"]])
    monkeypatch.setattr(mutation_run, "judged", lambda tree: next(ledger))
    found = tried(toy_mutant(toy, "times 1.02"), mutation_trace.base(toy), maps(toy),
                  lambda path, **how: Run(path.stem, 1.0, notebook=book))
    assert (found.caught, found.by, found.why) == ("ledger", "01_good", "S1 is wrong")


def test_the_line_map_holds_what_ran_and_is_kept(toy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, faults = mutation_trace.traces(toy)
    assert faults == []
    assert [trace.stem for trace in first] == ["01_good", "02_other"]
    assert all(trace.reaches("emlib/mean.py", 11) and not trace.reaches("emlib/mean.py", 15) for trace in first)
    assert "traced" in capsys.readouterr().out
    assert mutation_trace.traces(toy) == (first, [])
    assert capsys.readouterr().out == ""


def test_a_tree_whose_clean_run_is_at_fault_has_no_score(toy: Path) -> None:
    book = chapters.read(chapters.listed(toy)[1])
    chapters.code_cells(book)[-1].outputs = [tiny_book.stream("2.0\n")]
    chapters.write(book, chapters.listed(toy)[1])
    assert "02_other does not show its committed outputs" in mutation.run(1, 1, toy)[0]


def test_a_run_goes_on_where_it_was_stopped(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    chosen, asked = [toy_mutant(toy, name) for name in ("times 1.001", "times 1.02")], []

    class Pool:
        """Works in this process and stops before the second fault."""

        def __init__(self, workers: int) -> None: ...
        def __enter__(self) -> Pool: return self
        def __exit__(self, *error: object) -> None: ...

        def submit(self, function: Any, mutant: Mutant, *rest: Any) -> Any:
            asked.append(mutant)
            return Job(mutant)

    class Job:
        def __init__(self, mutant: Mutant) -> None:
            self.mutant = mutant

        def result(self) -> Outcome:
            return Outcome(str(self.mutant), chapters=("01_good",))

    monkeypatch.setattr(mutation_run, "ProcessPoolExecutor", Pool)
    monkeypatch.setattr(mutation_run, "as_completed", list)
    next(outcomes(chosen, toy, maps(toy)))  # and no further
    assert asked == chosen
    found = dict(outcomes(chosen, toy, maps(toy)))
    assert asked == [*chosen, chosen[1]]
    assert [found[mutant].mutant for mutant in chosen] == list(map(str, chosen))
    (toy / "emlib" / "mean.py").write_text(MEAN + "\n")  # another tree: nothing is taken over
    list(outcomes(chosen, toy, maps(toy)))
    assert asked[3:] == chosen


def test_a_line_that_no_chapter_runs_is_told_apart(toy: Path) -> None:
    chosen = mutation.drawn(toy, maps(toy), 3, 1)
    reached = [mutant for mutant in chosen if order(mutant, maps(toy))]
    assert len(reached) == 3
    assert chosen[-1] in reached
    beyond = next(mutant for mutant in mutants(toy / "emlib" / "mean.py", toy) if mutant.line == 15)
    assert list(outcomes([beyond], toy, maps(toy))) == [(beyond, Outcome(str(beyond)))]
    assert mutation.described(Outcome(str(beyond))).endswith("not reached by any chapter")


def test_chapters_that_settle_much_in_a_short_time_come_first(toy: Path) -> None:
    lines = {"emlib/mean.py": [11]}
    found = [Trace("slow", lines, 60, 1, 9), Trace("idle", lines, 20, 1, 0), Trace("other", {}, 1, 1, 9)]
    assert [trace.stem for trace in order(toy_mutant(toy, "times 1.02"), found)] == ["slow", "idle"]


def test_the_score_counts_reached_faults_alone() -> None:
    found = [Outcome("a", "run", "01", "", "", ("01",)), Outcome("b", changed="x", chapters=("01",)),
             Outcome("c", chapters=("01",)), Outcome("d")]
    assert mutation.score(found, "mutation score") == (
        "mutation score: 1 of 3 caught by a chapter's run or its ledger, 2 of 3 with outputs compared, "
        "1 more on lines that no chapter runs; survivors: b (shows in the outputs), c")
