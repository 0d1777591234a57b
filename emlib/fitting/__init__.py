"""What `fit`, `solve` and `Result` are made of: starts, checkpoints and their file format, the summary's table.

May import algorithms and problems; nothing but `fit`, `solve` and `result` may import from here.
"""
