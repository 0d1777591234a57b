"""Check the ledger of a folder or sum it up: ``python -m embook.ledger check FOLDER``."""

from embook.ledger.collect import main

if __name__ == "__main__":
    raise SystemExit(main())
