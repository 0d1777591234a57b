"""Stored studies, one a module; `emlib.report.study` says what each must hold and runs them."""
