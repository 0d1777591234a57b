"""Make ``.venv`` from the hashed lock: by uv, or by plain pip where uv cannot be had.

Standard library only.  A stamp of the lock and of pyproject.toml makes a second call cost nothing.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = "Scripts" if os.name == "nt" else "bin"
TOOLS = ROOT / ".tools"
VENV = ROOT / ".venv"
UV = TOOLS / BIN / "uv"
VENV_PYTHON = VENV / BIN / "python"
STAMP = VENV / "emlib-setup.txt"
UV_VERSION = "uv==0.13.8"
PYTHON = "3.11"
PACKAGES = ("-e", ".", "-e", "./embook")  # the library, and what the book is made with
READ = ("requirements.txt", "pyproject.toml", "embook/pyproject.toml")
BUILT = ["_build", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", "out.ipynb"]


def run(*command: str | Path) -> None:
    """Run a command at the root; a failure ends with the command's own message."""
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    subprocess.run([str(part) for part in command], cwd=ROOT, env=environment, check=True)


def wanted() -> str:
    """Return a digest of all that decides what the environment holds; settings of tools do not."""
    lock, project, book = ((ROOT / name).read_text(encoding="utf-8") for name in READ)
    return hashlib.sha256("\0".join([lock, project.partition("[tool.")[0], book, str(ROOT)]).encode()).hexdigest()


def interpreter() -> str:
    """Return a Python 3.11: the lock, and with it every printed digit, is made for that one."""
    if sys.version_info[:2] == (3, 11):
        return sys.executable
    return shutil.which(f"python{PYTHON}") or PYTHON


def get_uv() -> bool:
    """Install uv into its own small environment and return whether it is there."""
    if UV.exists():
        return True
    try:
        run(sys.executable, "-m", "venv", TOOLS)
        run(TOOLS / BIN / "python", "-m", "pip", "install", "-q", UV_VERSION)
    except (subprocess.CalledProcessError, OSError) as error:
        print(f"setup: uv cannot be installed ({error}); plain pip is used, which takes about a minute", flush=True)
        return False
    return UV.exists()


def by_uv() -> None:
    """Install the lock with uv; uv looks for a Python 3.11 and fetches one only if there is none."""
    run(UV, "venv", "-q", "--allow-existing", VENV, "--python", interpreter())
    run(UV, "pip", "sync", "-q", "--python", VENV_PYTHON, "--require-hashes", "requirements.txt")
    run(UV, "pip", "install", "-q", "--python", VENV_PYTHON, "--no-deps", *PACKAGES)


def by_pip() -> None:
    """Install the lock with pip alone."""
    if interpreter() == PYTHON:
        found = f"{sys.version_info[0]}.{sys.version_info[1]}"
        raise SystemExit(f"setup: the lock is for Python {PYTHON}, found {found}; install {PYTHON} and try again")
    run(interpreter(), "-m", "venv", VENV)
    run(VENV_PYTHON, "-m", "pip", "install", "-q", "--require-hashes", "-r", "requirements.txt")
    run(VENV_PYTHON, "-m", "pip", "install", "-q", "--no-deps", *PACKAGES)


def setup(force: bool = False) -> None:
    """Bring ``.venv`` up to date; ``force`` also prints where it stands when nothing had to be done."""
    if STAMP.exists() and STAMP.read_text() == wanted():
        if force:
            print(f"setup: {VENV.name} is up to date")
        return
    print(f"setup: installing the locked packages into {VENV.name}", flush=True)
    try:
        by_uv() if os.environ.get("EMLIB_SETUP") != "pip" and get_uv() else by_pip()
    except (subprocess.CalledProcessError, OSError) as error:
        raise SystemExit(f"setup: failed: {error}; if the venv module is missing, install python3-venv") from error
    STAMP.write_text(wanted())


def clean() -> int:
    """Remove everything that can be made again, but not the environment."""
    for name in BUILT:
        path = ROOT / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    for folder in ("emlib", "embook", "tools", "tests"):
        for cache in (ROOT / folder).rglob("__pycache__"):
            shutil.rmtree(cache)
    return 0
