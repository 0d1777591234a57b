"""Print every table and write them to a file: ``python -m benchmarks``, with ``--quick`` in under three minutes."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks import cliffs, counts, endings, fa, gmm, hasselblad, hmm, lds, machine, memory, optimum, prices, seconds
from benchmarks.tables import Scale, Table
from emlib.evaluation.threads import one_blas_thread

PARTS: dict[str, Callable[[Scale], list[Table]]] = {
    "hasselblad": hasselblad.tables,
    "counts": counts.tables,
    "endings": endings.tables,
    "gmm": gmm.tables,
    "memory": memory.tables,
    "hmm": hmm.tables,
    "lds": lds.tables,
    "fa": fa.tables,
    "cliffs": cliffs.tables,
    "optimum": optimum.tables,
    "prices": prices.tables,
    "seconds": seconds.tables,
}
ROOT = Path(__file__).resolve().parents[1]
SHOWN = ROOT / "embook" / "data" / "benchmarks.json"  # what the book shows


def options(arguments: list[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="emlib against its peers")
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(PARTS)}; all if none is named")
    scale = parser.add_mutually_exclusive_group()
    scale.add_argument("--quick", dest="scale", action="store_const", const="quick", help="under three minutes")
    scale.add_argument("--small", dest="scale", action="store_const", const="small", help="only shows that it runs")
    parser.add_argument("--out", type=Path, default=ROOT / "_build" / "benchmarks.json", help="where the results go")
    parser.add_argument("--keep", dest="out", action="store_const", const=SHOWN, help="put them in the book")
    chosen = parser.parse_args(arguments)
    chosen.scale = chosen.scale or "full"
    if chosen.out == SHOWN and (settings := machine.by_hand()):
        parser.error(f"--keep: {' and '.join(settings)} set; unset them, so that each library runs as on any machine")
    if unknown := [name for name in chosen.parts if name not in PARTS]:
        parser.error(f"parts: {unknown[0]!r} found; there are {', '.join(PARTS)}")
    return chosen


def main(arguments: list[str] | None = None) -> int:
    """Run as a command."""
    chosen = options(arguments)
    with one_blas_thread():  # the time that one thread of it waits for another would count
        return measure(chosen)


def measure(chosen: argparse.Namespace) -> int:
    """Measure what was chosen, and write and print it."""
    found = {"scale": chosen.scale, **machine.described()}
    print(f"{found['processor']}, {found['cores']} cores, {', '.join(found['blas'])}; compare only within a run")
    kept = earlier(chosen.out) if chosen.parts else {}
    for name in chosen.parts or PARTS:
        began = time.perf_counter()
        tables = PARTS[name](chosen.scale)
        print(*(f"\n{table}" for table in tables), f"\n({name}: {time.perf_counter() - began:.0f} s)", flush=True)
        kept |= {table.name: {**table.plain(), "measured": found} for table in tables}
        write(chosen.out, {"tables": kept})
    return 0


def earlier(path: Path) -> dict[str, object]:
    """Return the tables that a file holds already: a run of some parts renews these only."""
    return dict(json.loads(path.read_text(encoding="utf-8"))["tables"]) if path.exists() else {}


def write(path: Path, found: dict[str, object]) -> None:
    """Write the results whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    os.replace(part, path)
    print(f"(written to {path.name})", file=sys.stderr)


if __name__ == "__main__":
    raise SystemExit(main())
