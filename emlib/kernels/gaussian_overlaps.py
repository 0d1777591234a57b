"""Moments of up to degree four of points, weighted by how far two components of a normal mixture overlap there.

The missing information of a mixture is made of them; see `emlib.models.gaussian_overlaps`. Of many scores' products in
pairs most are alike: with d = 8 features 45 monomials of degree two have 1035 products, of which 495 differ.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from emlib.kernels import blocks, product_tiles, quadratic
from emlib.kernels.arguments import ExpTable, Normals, Overlaps
from emlib.kernels.array_types import AnyMatrix, AnyVector, Cube
from emlib.kernels.blocks import inlined
from emlib.kernels.dispatch import BLOCK, STRIDE
from emlib.kernels.gaussian import log_densities, responsibilities, workspace


@inlined
def standardise(x: Any, centre: Any, factor: Any, residuals: Any, z: Any) -> None:
    """Write z = L (x - centre) for a lower triangular matrix L."""
    for j in range(len(x)):
        row, given, found, middle, scale = residuals[j], x[j], z[j], centre[j], factor[j, j]
        for i in range(BLOCK):
            value = given[i] - middle
            row[i] = value
            found[i] = scale * value
        for e in range(j):
            multiple, other = factor[j, e], residuals[e]
            for i in range(BLOCK):
                found[i] += multiple * other[i]


@inlined
def multiply(left: Any, right: Any, found: Any) -> None:
    """Write the product of two rows."""
    for i in range(BLOCK):
        found[i] = left[i] * right[i]


@blocks.cached
def add_overlaps(rows: AnyMatrix, roots: AnyVector, normals: Normals, overlaps: Overlaps, sums: Cube,
                 c: ExpTable) -> None:
    """Add a chunk's moments to `sums`, shape (F, C/F, P): a row for each pair of components.

    `roots` are the square roots of the weights: of two responsibilities that are multiplied each has one. None count
    each row once.
    """
    side, width, size = rows.shape[1], len(normals.means), len(overlaps.couples) // len(sums)
    fast = normals.quadratic
    work = workspace(side, len(fast.weights), min(len(fast.pairs), quadratic.PANEL))
    squares = np.empty((len(overlaps.squares), STRIDE))
    shares, counts = np.empty((size, STRIDE)), np.zeros(width)
    for low in range(0, len(rows), BLOCK):
        blocks.load_block(rows, low, roots, work.x, work.weight)
        if quadratic.centre_block(fast, work.x, work.z, work.distance):
            quadratic.log_densities(fast, work.z, work.panel, work.joint)
        else:
            for k in range(width):
                log_densities(normals, k, work.x, work.residuals, work.distance, work.joint[k])
        responsibilities(work, width, counts, c)
        for f in range(len(sums)):
            standardise(work.x, overlaps.centres[f], overlaps.factors[f], work.residuals, work.z)
            quadratic.fill_panel(overlaps.squares, work.z, 0, squares)
            for p in range(size):
                couple = overlaps.couples[f * size + p]
                multiply(work.joint[couple[0]], work.joint[couple[1]], shares[p])
            product_tiles.add_products(shares, squares, overlaps.products, sums[f], BLOCK)
