"""Compiled inner loops, used where the data are large and Numba is installed; NumPy does the same otherwise.

`choice` says which of the two serves a chunk. `blocks` holds the loops over one block of points, `tiles` the products
of matrices, `quadratic` what of normals is such a product, `gaussian` the pass over a chunk; `chain` the recursions
along a hidden chain, `hmm_block` what is done to a block of sequences, `hmm` the passes over them; `small` products
and factorisations of small matrices, `kalman_filter` and `kalman` the filter and the smoother of dynamical systems.
All but `choice` import Numba, and nothing imports them before they are used.
"""

from emlib.kernels.choice import BLOCK, CHUNK, LONG, compiled, compiled_chain, compiled_kalman, estep_chunk

__all__ = ["BLOCK", "CHUNK", "LONG", "compiled", "compiled_chain", "compiled_kalman", "estep_chunk"]
