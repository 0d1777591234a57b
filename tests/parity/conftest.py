"""Comparisons with packages that the lock does not have are collected only where these are installed."""

from __future__ import annotations

from importlib.util import find_spec

PEERS = {"test_dynamax.py": "dynamax", "test_hmmlearn.py": "hmmlearn", "test_statsmodels.py": "statsmodels"}
collect_ignore = [file for file, package in PEERS.items() if find_spec(package) is None]
