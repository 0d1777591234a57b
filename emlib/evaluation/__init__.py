"""What a `Problem` is made of: evaluated points, Hessians by differences, chunks spread over threads, companions.

Nothing here may import algorithms, diagnostics, or what `fit` and `solve` are made of.
"""
