"""What Sphinx does with the pages: the ledger, folded passages, interactive figures, formulas, icons."""
