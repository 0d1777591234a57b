"""Make an environment for one Python version in which emlib is installed alone: without extras, and not in place."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import setup_env
from setup_env import BIN, ROOT, UV

KEPT = ROOT / "_build" / "pythons"
NEEDED = ("pytest", "pytest-xdist", "hypothesis", "mpmath")  # what the tests import beside numpy and scipy
SOURCE = ("pyproject.toml", "README.md", "LICENSE")
PLACES = (".pyenv/versions/{0}.*/bin", ".local/share/uv/python/cpython-{0}.*/bin")  # under the home folder


def answers(python: Path, version: str) -> bool:
    """Return whether the program is there and is a Python of this version (a shim of pyenv may be neither)."""
    try:
        code = "import sys; print('%d.%d' % sys.version_info[:2])"
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return done.stdout.strip() == version


def interpreter(version: str) -> Path | None:
    """Find a Python of this version: the one under .venv, on the PATH, of pyenv or of uv."""
    folders = [Path(sys.base_prefix) / BIN, *map(Path, os.get_exec_path())]
    folders += [folder for place in PLACES for folder in sorted(Path.home().glob(place.format(version)))]
    return next((path for folder in folders if answers(path := folder / f"python{version}", version)), None)


def copy_source() -> Path:
    """Copy what the package is built from, so that the build leaves nothing in the checkout."""
    source = KEPT / "source"
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(ROOT / "emlib", source / "emlib", ignore=shutil.ignore_patterns("__pycache__"))
    for name in SOURCE:
        shutil.copy(ROOT / name, source)
    return source


def with_uv() -> bool:
    """Return whether uv is used to install, as in `setup_env`, instead of pip."""
    return os.environ.get("EMLIB_SETUP") != "pip" and setup_env.get_uv()


def install(version: str, base: Path, source: Path) -> Path:
    """Make the environment, or install emlib anew into the one that is there; return its interpreter."""
    home, uv = KEPT / version, with_uv()
    python = home / BIN / "python"
    make: list[str | Path] = [UV, "venv", "--allow-existing", "--python", base] if uv else [base, "-m", "venv"]
    pip: list[str | Path] = [UV, "pip", "install", "--python", python] if uv else [python, "-m", "pip", "install"]
    if not python.exists():
        setup_env.run(*make, home)
    setup_env.run(*pip, "-q", *NEEDED, source)
    setup_env.run(*pip, "-q", "--no-deps", "--reinstall" if uv else "--force-reinstall", source)
    add_checkout(python)
    return python


def add_checkout(python: Path) -> None:
    """Put the checkout on the path, for the helpers of the tests: last, so that the installed emlib is found first."""
    code = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    (Path(site) / "checkout.pth").write_text(f"{ROOT}\n", encoding="utf-8")


def variables(version: str) -> dict[str, str]:
    """Return the environment variables of the tests: Python must not put the folder it is started in first."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return {**kept, "PYTHONSAFEPATH": "1", "EMLIB_INSTALLED_IN": str(KEPT / version)}
