"""Renew the lock: requirements.txt with hashes, and the two files for conda users that follow from it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from setup_env import PYTHON, ROOT, UV, get_uv

PINNED = ["jupyter-book", "numpy", "scipy", "matplotlib", "jax", "nbval", "papermill", "pytest"]
PROJECTS = ["pyproject.toml", "embook/pyproject.toml"]
LIBRARY = "em-and-gradients"  # ours, never locked
COMPILE = ["pip", "compile", "-q", *PROJECTS, "--extra", "test", "--no-emit-package", LIBRARY,
           "--universal", "--python-version", PYTHON]
WRITE = ["--generate-hashes", "--no-header", "-o", "requirements.txt"]
LOCKED = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)==(?P<version>[^\s;]+)(?P<marker>\s*;[^\\]*)?", re.MULTILINE)
ENVIRONMENT = """\
# For conda users: the versions of requirements.txt, the scientific packages as the same wheels.
# Written by tools/lock.py; a test holds it against the lock.
name: emlib
channels: [conda-forge, nodefaults]
dependencies:
  - python={python}
  - pip>=23.1
  - pip:
      - -c constraints.txt
      - -e .[test]
      - -e ./embook
{pins}
"""


def locked(text: str) -> dict[str, str]:
    """Return name and version of each package in the lock."""
    return {match["name"]: match["version"] for match in LOCKED.finditer(text)}


def constraints(text: str) -> str:
    """Return the lock without hashes, as pip's constraints."""
    rows = (f"{match['name']}=={match['version']}{(match['marker'] or '').rstrip()}" for match in LOCKED.finditer(text))
    return "".join(f"{row}\n" for row in rows)


def environment(text: str) -> str:
    """Return environment.yml for the lock."""
    versions = locked(text)
    pins = "\n".join(f"      - {name}=={versions[name]}" for name in PINNED)
    return ENVIRONMENT.format(python=PYTHON, pins=pins)


def main(root: Path = ROOT) -> int:
    """Resolve anew and write the three files; ``--keep`` only rewrites what follows from the lock."""
    if "--keep" not in sys.argv:
        if not get_uv():
            raise SystemExit("lock: uv is needed to resolve; it could not be installed")
        upgrade = ["--upgrade"] if "--upgrade" in sys.argv else []
        subprocess.run([str(UV), *COMPILE, *WRITE, *upgrade], cwd=root, check=True)
    path = root / "requirements.txt"
    text = path.read_text(encoding="utf-8").partition("\n# The following packages were excluded")[0]  # uv's remark
    path.write_text(text, encoding="utf-8")
    (root / "constraints.txt").write_text(constraints(text), encoding="utf-8")
    (root / "environment.yml").write_text(environment(text), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
