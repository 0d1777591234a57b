"""`emlib` against its peers, run on request: ``make bench``, or ``python -m benchmarks``.

`hasselblad`   E-steps to the optimum of a hard Poisson mixture, from 200 common starts.
`gmm`          E-steps on overlapping and easy normal mixtures; the time of one EM iteration beside scikit-learn's.

Every table is Markdown, printed as it is done; all take about ten minutes of one core, most of them EM's.
Counts of E-steps are the same on every machine but for rounding; times are CPU seconds of one process, and only
their ratio within one run means anything. Nothing here is a claim of the book.
"""
