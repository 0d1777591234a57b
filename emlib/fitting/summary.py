"""The summary of a fit, a table to read: estimates, standard errors, missing information, why it stopped."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from emlib.blocks import PositiveDefinite
from emlib.blocks.held import Held
from emlib.data.validate import counted
from emlib.numerics import Array

if TYPE_CHECKING:
    from emlib.diagnostics.information import Information

TABLE_ROWS = 60  # that are printed; `to_dataframe` has them all
NAMES_LISTED = 8  # in a note


@dataclass(frozen=True, eq=False, repr=False)
class Summary:
    """A fit as a table; `print` it, or read its columns.

    Attributes
    ----------
    names : list of str
        One entry of the parameters each, such as "means[0, 1]"; of symmetric matrices the lower triangle.
    estimates : ndarray, shape (m,)
    standard_errors : ndarray, shape (m,), or None
        Infinite where the data say nothing, 0 for what is held; None if the run did not converge.
    missing : ndarray, shape (m,), or None
        Share of the information on each entry that the hidden variables took away: one less the variance that the
        complete data would have given over the variance of the estimate. Not a number for what is held.
    information : Information or None
        What `diagnostics.information` found.
    head, notes : list of str
        The lines above and below the table.
    """

    names: list[str]
    estimates: Array
    standard_errors: Array | None
    missing: Array | None
    information: Information | None = field(repr=False)
    head: list[str]
    notes: list[str]

    def __str__(self) -> str:
        return "\n".join([*self.head, *_table(self), *self.notes])

    __repr__ = __str__

    def to_dataframe(self) -> Any:
        """Return the table as a pandas DataFrame, one row an entry.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        try:
            pandas = importlib.import_module("pandas")  # an extra that this method alone needs
        except ImportError:
            raise ImportError("pandas: not installed; install it, or read the summary's columns") from None
        columns = {"estimate": self.estimates, "standard_error": self.standard_errors, "missing": self.missing}
        return pandas.DataFrame({name: column for name, column in columns.items() if column is not None},
                                index=self.names)


def summarise(model: Any, params: Any, found: Information | None, reason: str, head: list[str],
              ending: list[str]) -> Summary:
    """Return the summary of a fit.

    Parameters
    ----------
    found : Information or None
        At the parameters.
    reason : str
        Why there is no information, if there is none.
    head, ending : list of str
        What the fit says of itself, above the table and below all notes.
    """
    shown = _shown(model)
    names = np.array(model.space.entry_names())[shown]
    estimates = model.space.pack(params, "standard")[shown]
    errors = missing = None
    if found is not None:
        errors = np.concatenate([np.ravel(value) for value in found.standard_errors.values()])[shown]
        missing = _missing(found)[shown]
    notes = [f"no standard errors: {reason}"] if found is None else _information_notes(found)
    notes += [*_listed("held, not estimated", list(model.space.held)), *ending]
    return Summary(names.tolist(), estimates, errors, missing, found, head, notes)


def _shown(model: Any) -> Array:
    """Return the mask of the entries to show: of symmetric matrices the lower triangle."""
    masks = []
    for block in model.space.blocks:
        inner = block.block if isinstance(block, Held) else block
        full = np.ones(block.shape, dtype=bool)
        masks.append(np.ravel(np.tril(full) if isinstance(inner, PositiveDefinite) else full))
    return np.concatenate(masks)


def _missing(found: Information) -> Array:
    """Return one less the ratio of complete-data variance to variance, entry by entry."""
    complete = np.einsum("ij,ji->i", found.basis, np.linalg.solve(found.complete, found.basis.T))
    errors = np.concatenate([np.ravel(value) for value in found.standard_errors.values()])
    with np.errstate(divide="ignore", invalid="ignore"):
        share: Array = np.where(errors > 0, np.maximum(1.0 - complete / errors**2, 0.0), np.nan)
    return share


def _information_notes(found: Information) -> list[str]:
    """Return lines that say what the eigenvalues of the missing information mean."""
    average = float(found.eigenvalues.mean()) if found.eigenvalues.size else 0.0
    return [f"rate of EM {found.rate:.6g}: in the slowest direction {found.rate:.1%} of the information is missing, "
            f"on average {average:.1%}",
            *_listed("on the boundary, held there", found.at_boundary),
            *_listed(f"unidentified ({counted(found.n_unidentified, 'direction')})", found.unidentified_entries)]


def _listed(what: str, names: Sequence[str]) -> list[str]:
    """Return a line with the names, the first few of them; no line for none."""
    rest = f" and {len(names) - NAMES_LISTED} more" if len(names) > NAMES_LISTED else ""
    return [f"{what}: {', '.join(names[:NAMES_LISTED])}{rest}"] if names else []


def _table(summary: Summary) -> list[str]:
    """Return the lines of the table, columns aligned."""
    count = len(summary.names)
    columns = [["parameter", *summary.names[:TABLE_ROWS]],
               ["estimate", *(f"{x + 0.0:.6g}" for x in summary.estimates[:TABLE_ROWS])]]
    if summary.standard_errors is not None and summary.missing is not None:
        columns.append(["std. error", *(f"{x:.3g}" for x in summary.standard_errors[:TABLE_ROWS])])
        columns.append(["missing", *("" if np.isnan(x) else f"{x:.1%}" for x in summary.missing[:TABLE_ROWS])])
    widths = [max(map(len, column)) for column in columns]
    rows = ["  ".join([row[0].ljust(widths[0]), *(cell.rjust(w) for cell, w in zip(row[1:], widths[1:], strict=True))])
            for row in zip(*columns, strict=True)]
    return [*(row.rstrip() for row in rows), *([f"... {count - TABLE_ROWS} more rows"] if count > TABLE_ROWS else [])]
