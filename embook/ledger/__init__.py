"""The ledger of claims: registry, cards in the chapters, the judge, and the rows put together.

`registry` and `schema` say what a row is; `card` shows one in a chapter; `verdicts` turns numbers and propositions into
a verdict; `judge` holds the rules; `collect` puts registry and runs side by side. Imports the modules of `embook`
outside folders (contents, context, format, tables), and no other folder.
"""
