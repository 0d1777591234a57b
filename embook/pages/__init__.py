"""Sphinx extensions of the book: ledger page, folded passages, interactive figures, formulas, icons.

`extension` is the main one; ``_config.yml`` names them all. Nothing imports this folder; it imports `embook.ledger`,
`embook.explorables` and `embook.context`.
"""
