"""Stored studies, one a module with `SEED`, `keys()` and `cell(**key)`; the others hold what several share.

`embook.study` runs them and keeps their tables. Imports `emlib`, `embook.study` to read other tables, `embook.format`,
and `embook.explorables` to sketch a path; chapters import from here what they compute anew.
"""
