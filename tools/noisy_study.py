"""Compute cells of a stored study with noise in the last place of their arithmetic.

    python tools/noisy_study.py NAME [--noise 1] [--workers 2]     the whole table: embook/data/studies/noisy/NAME-1.csv

`draws` computes one cell under several seeds, which shows how far rounding moves what it measures.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import do
import noisy
from setup_env import ROOT


def draws(name: str, key: dict[str, Any], seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Return what a cell measures under each of these seeds of the noise."""
    asked = json.dumps({"name": name, "key": key, "seeds": list(seeds)})
    done = _run([__file__, "--cell"], seeds[0], input=asked, stdout=subprocess.PIPE, text=True, check=True)
    found: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return found


def draw(name: str, key: dict[str, Any], seed: int) -> dict[str, Any]:
    """Return what a cell measures under one seed of the noise."""
    return draws(name, key, [seed])[0]


def _run(arguments: list[str], seed: int, **options: Any) -> subprocess.CompletedProcess[str]:
    environment = {**do.environment(), **noisy.environment(seed)}
    return subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, **options)


def _answer() -> None:
    """Compute what standard input asks for; this runs in the process that `draws` has started."""
    import arithmetic_noise  # on the path of that process alone

    from embook import study

    asked = json.load(sys.stdin)
    cell, found = study.module(asked["name"]).cell, []
    for seed in asked["seeds"]:
        arithmetic_noise.reseed(seed)
        _forget()
        found.append(study.plain({}, cell(**asked["key"])))
    print(json.dumps(found))


def _forget() -> None:
    """Empty the caches of the studies, which hold what was computed under another seed."""
    for module in [module for name, module in sys.modules.items() if name.startswith("embook.studies.")]:
        for value in vars(module).values():
            if hasattr(value, "cache_clear"):
                value.cache_clear()


def main(arguments: list[str]) -> int:
    """Run as a command."""
    if arguments == ["--cell"]:
        _answer()
        return 0
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("name", help="of the study")
    parser.add_argument("--noise", type=int, default=1, help="seed of the noise, from 1 upwards")
    given, rest = parser.parse_known_args(arguments)
    command = ["-m", "embook.study", given.name, "--noise", str(given.noise), *rest]
    return _run(command, given.noise, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
