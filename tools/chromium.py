"""Find Chromium for the tests of the pages, or install Debian's where that is possible.

Standard library only.
"""

from __future__ import annotations

import os
import shutil
import subprocess

NAMES = ("chromium", "chromium-browser", "google-chrome")
APT = (["apt-get", "update", "-q"], ["apt-get", "install", "-q", "-y", "--no-install-recommends", "chromium"])


def find() -> str | None:
    """Return the path of a Chromium on this machine."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def ensure() -> bool:
    """Return whether there is a Chromium, after installing it if there was none and this user may."""
    if find():
        return True
    if os.name == "nt" or os.geteuid() != 0 or not shutil.which("apt-get"):
        print("browser: no Chromium found, and it cannot be installed from here: the tests of the pages will fail; "
              "install it (Debian: package chromium) and try again", flush=True)
        return False
    print("browser: installing Chromium for the tests of the pages", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in APT:
        done = subprocess.run(command, env=quiet, check=False, capture_output=True, text=True)
    if not find():
        print(f"browser: apt-get could not install Chromium: {done.stderr.strip()[-400:]}", flush=True)
    return find() is not None
