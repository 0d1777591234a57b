"""A headless Chromium for the book's tests, the folder of built pages, and a small server for it.

Playwright drives the Chromium that the system has; nothing is downloaded.
"""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"
AXE = Path(__file__).parent / "vendor" / "axe.min.js"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium, closed at the end."""
    program = next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
    )
    if program is None:
        raise RuntimeError("no Chromium on this machine: install it, on Debian with `apt-get install chromium`")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def built_pages(folder: Path = HTML) -> list[Path]:
    """Every page of the built book, or an error that says how to build it."""
    pages = sorted(page for page in folder.rglob("*.html") if "_static" not in page.relative_to(folder).parts)
    if not (folder / "index.html").is_file():
        raise FileNotFoundError(f"{folder.name}/index.html is missing: run `make book` first")
    return pages


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """The address of a local server for `folder`."""
    handler = functools.partial(_Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: a request is no news in a test."""


def shown(browser: Browser, html: str, *, width: int = 900, theme: str = "light") -> Page:
    """A page that holds `html` alone, as the book's theme would hold it."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    colours = "background:#121212;color:#eeeeee" if theme == "dark" else "background:#ffffff"
    head = '<title>An explorable</title><meta name="viewport" content="width=device-width">'
    page.set_content(
        f'<!doctype html><html lang="en" data-theme="{theme}"><head>{head}</head>'
        f'<body style="margin:16px;{colours}"><main><h1>Page</h1>{html}</main></body></html>'
    )
    return page


def violations(page: Page, only: list[str] | None = None) -> dict[str, list[str]]:
    """What axe-core finds on a page: rule to the opening tags of the offenders."""
    if not page.evaluate("() => Boolean(window.axe)"):
        page.evaluate(AXE.read_text(encoding="utf-8"))
    options: dict[str, object] = {"preload": False, "resultTypes": ["violations"]}
    if only:
        options["runOnly"] = {"type": "rule", "values": only}
    found = page.evaluate("options => axe.run(document, options).then(r => r.violations)", options)
    return {rule["id"]: [node["html"].split(">")[0] + ">" for node in rule["nodes"]] for rule in found}
