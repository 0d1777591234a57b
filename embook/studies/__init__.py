"""Stored studies, one a module; `embook.study` says what each must hold and runs them."""
