"""The rules that every committed chapter keeps; none of them runs a notebook."""
