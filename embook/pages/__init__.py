"""Sphinx extensions of the book: ledger page, claims in sentences, folded passages, interactive figures, formulas.

`extension` is the main one and sets up `claim_chip`; ``_config.yml`` names the others. Nothing imports this folder; it
imports `embook.ledger`, `embook.explorables` and `embook.context`.
"""
