"""The mutation score of the book: of small faults in the mathematics of `emlib`, how many do the chapters catch?

    python tools/mutation.py [--n 20] [--seed 1]      the ten named faults, and n that the seed draws
    python tools/mutation.py --list                   which they are; the chapters are run once for their lines
    python tools/mutation.py --show 3                 the third as it stands in the source, and what became of it

Each fault is put into a copy of the tree, where the chapters that run its line are run until one of them raises, or
the ledger is at fault. The tests of the package take no part. Outcomes are kept under ``_build/mutations``, one file
for each fault and tree, so that a run that was stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import difflib
import sys
from pathlib import Path

from mutation_named import named
from mutation_places import Mutant, sample
from mutation_run import Outcome, kept, order, outcomes, results
from mutation_trace import Trace, traces
from setup_env import ROOT

N, SEED = 20, 1


def drawn(root: Path, maps: list[Trace], n: int, seed: int) -> list[Mutant]:
    """Return the first faults that the seed draws, until n of them stand on lines that some chapter runs."""
    found: list[Mutant] = []
    n_reached = 0
    for mutant in sample(root, seed):
        if n_reached == n:
            break
        found.append(mutant)
        n_reached += bool(order(mutant, maps))
    return found


def score(outcomes_of: list[Outcome], name: str) -> str:
    """Return in one line how many faults were caught, and which were not."""
    tried = [outcome for outcome in outcomes_of if outcome.chapters]
    caught, seen = sum(bool(outcome.caught) for outcome in tried), sum(outcome.is_seen for outcome in tried)
    left = [f"{outcome.mutant}{' (shows in the outputs)' if outcome.changed else ''}"
            for outcome in tried if not outcome.caught]
    beyond = len(outcomes_of) - len(tried)
    words = [f"{name}: {caught} of {len(tried)} caught by a chapter's run or its ledger",
             f"{seen} of {len(tried)} with outputs compared"]
    words += [f"{beyond} more on lines that no chapter runs"] if beyond else []
    return ", ".join(words) + ("; survivors: " + ", ".join(left) if left else "")


def described(outcome: Outcome) -> str:
    """Return the result of one fault in one line."""
    if not outcome.chapters:
        return f"{outcome.mutant}: not reached by any chapter"
    found = f"caught by {outcome.by} ({outcome.caught}: {outcome.why})" if outcome.caught else "survived"
    shown = f"; changed: {outcome.changed}" if outcome.changed and not outcome.caught else ""
    return f"{outcome.mutant}: {found}{shown}; {len(outcome.chapters)} chapters, {outcome.seconds:.0f} s"


def difference(mutant: Mutant, root: Path) -> str:
    """Return what a fault changes in its file."""
    source = (root / mutant.file).read_text(encoding="utf-8")
    before, after = (text.splitlines(keepends=True) for text in (source, mutant.applied(source)))
    return "".join(difflib.unified_diff(before, after, mutant.file, str(mutant), n=1))


def run(n: int = N, seed: int = SEED, root: Path = ROOT) -> list[str]:
    """Try the named and the drawn faults and print both scores.

    Returns
    -------
    list of str
        What is wrong with the clean chapters: with that no score means anything. Else the named faults that survive.
    """
    maps, faults = traces(root)
    if faults:
        return faults
    of_named = try_all(named(root), "named faults", root, maps)
    if n:
        try_all(drawn(root, maps, n, seed), "mutation score", root, maps)
    return [f"{outcome.mutant} is caught by no chapter" for outcome in of_named if not outcome.caught]


def try_all(mutants: list[Mutant], name: str, root: Path, maps: list[Trace]) -> list[Outcome]:
    """Try faults, print the result of each and their score, and return the outcomes."""
    found = {}
    for mutant, outcome in outcomes(mutants, root, maps):
        found[mutant] = outcome
        print(described(outcome), flush=True)
    in_order = [found[mutant] for mutant in mutants]
    print(score(in_order, name), flush=True)
    return in_order


def main(arguments: list[str] | None = None) -> int:
    """Run as a command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--n", type=int, default=N, help=f"faults to draw (default: {N})")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--list", action="store_true", help="name the faults and try none")
    parser.add_argument("--show", type=int, metavar="K", help="print the K-th of the list")
    chosen = parser.parse_args(arguments)
    if not chosen.list and chosen.show is None:
        faults = run(chosen.n, chosen.seed)
        for fault in faults:
            print(f"mutation: {fault}", file=sys.stderr)
        return 1 if faults else 0
    maps, _ = traces(ROOT)
    mutants = named(ROOT) + drawn(ROOT, maps, chosen.n, chosen.seed)
    for place, mutant in enumerate(mutants, 1):
        if chosen.show is None:
            print(f"{place:3d} {mutant}: {' '.join(mutant.old.split())} -> {' '.join(mutant.new.split())}")
        elif chosen.show == place:
            outcome = kept(mutant, results(ROOT))
            print(difference(mutant, ROOT) + (described(outcome) if outcome else "not tried"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
