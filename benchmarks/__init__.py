"""`emlib` against its peers, run on request: ``make bench``. Nothing here is a claim of the book."""
