"""Theorems and what they rest on: the statements of the pages, the entries of ``theorems/``, and their drawings.

`statements` reads what the pages state and what each proof cites, `entries` the files that say what each statement
rests on, `check` compares the two; `drawing` lays a chapter out in three columns, `overview` the chapters in rows. The
page is made by `embook.pages.theorems`. This folder imports `embook.contents`, `embook.context` and `embook.ledger`.
"""
