"""Compiled inner loops, used where the data are large and Numba is installed; NumPy does the same otherwise.

`dispatch` says where they serve; `arguments` and the files named after it hold what goes in and out. These need no
Numba and may be imported anywhere; the passes, `gaussian`, `gaussian_overlaps`, `hmm`, `hmm_emissions`, `wide_chain`,
`kalman`, `missing_entries`, `missing_products`, `normal_moments`, `normal_steps` and `normal_charts`, only inside the
function that calls them; all else only here.
"""

from emlib.kernels.dispatch import (
    BLOCK,
    CHUNK,
    LONG,
    MOST_SCORES,
    estep_chunk,
    use_compiled_chain,
    use_compiled_kalman,
    use_compiled_missing,
    use_compiled_mixture,
    use_compiled_scores,
    use_compiled_steps,
)

__all__ = ["BLOCK", "CHUNK", "LONG", "MOST_SCORES", "estep_chunk", "use_compiled_chain", "use_compiled_kalman",
           "use_compiled_missing", "use_compiled_mixture", "use_compiled_scores", "use_compiled_steps"]
