"""Sphinx extensions of the book: ledger, claims in sentences and in cards, numbers, folds, figures, formulas.

`extension` is the main one and sets up those without an entry in ``_config.yml``, which names the others. Nothing
imports this folder; it imports `embook.ledger`, `embook.explorables` and `embook.context`.
"""
