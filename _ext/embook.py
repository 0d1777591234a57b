"""The book's own Sphinx extension; its parts live in `emlib.report.sphinx`."""

from emlib.report.sphinx import setup

__all__ = ["setup"]
