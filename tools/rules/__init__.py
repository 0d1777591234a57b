"""The rules that every committed chapter keeps: `form` of the file, `source` code, `pages` as a reader sees them.

Those of `lesson` are for the chapters in the form of a lesson. A rule is a function of a `chapter.Chapter` that yields
what is wrong. `tools/notebook_rules.py` runs them all; none runs a notebook or imports from another tool than
`chapters` and `setup_env`.
"""
