"""`emlib` against its peers, run on request: ``make bench``, or ``python -m benchmarks``.

`hasselblad`   E-steps to the optimum of a hard Poisson mixture, from 200 common starts.
`counts`       E-steps of EM, SQUAREM and Adaptive on nine overlapping and four easy mixtures, 100 starts each.
`gmm`          The time of one EM iteration of a normal mixture beside scikit-learn's, how it grows, and threads.
`hmm`          The same of a hidden Markov model, beside hmmlearn's (extra ``bench``).
`lds`          The same of a linear dynamical system, beside three other libraries (extra ``bench``).
`fa`           The time of a whole fit of a factor analysis, beside scikit-learn's.
`memory`       What a fit adds to the memory of its data.
`cliffs`       The E-step of every model, ordinary input beside the worst, and beside what the machine could do.
`optimum`      CPU seconds of whole fits by the default, EM, SQUAREM and L-BFGS, on thirty problems.
`prices`       CPU seconds of an E-step, a Hessian and each method's E-step on the problems of the race (chapter 8).

``python -m benchmarks NAME`` runs one of them, ``--quick`` all in under three minutes. Tables are printed as they are
done and written to a file; ``--keep`` writes the file that the book's page on performance reads.
Counts of E-steps are the same on every machine but for rounding; times are CPU seconds of one process, and only
their ratio within one run means anything. Nothing here is a claim of the book.
"""
