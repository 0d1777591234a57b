"""Proofs by interval arithmetic: a box that holds one stationary point, a strict maximum, and EM's rate there.

`jets` carries value, gradient and Hessian in balls; `interval_em` writes the complete-data likelihoods; `certify` holds
Krawczyk's test and the digits that it proves. Imports nothing else of `embook`, nor `emlib`, whose results it checks.
"""
