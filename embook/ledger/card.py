"""Claims in a chapter: `claim` shows a registered row with what the cell measured, and leaves a record for the build.

The output has three faces: a row of HTML, a line of text, and the record itself as
``application/vnd.emlib.claim+json``.  The executed notebook is the only record.  A claim never raises in a notebook, so
that a reader who changes a parameter sees what happens; the build judges, and it judges only runs with the chapter's
own parameters.
"""

from __future__ import annotations

from html import escape
from typing import Any

from embook.context import MIME, book_folder, changed_parameters, chapter_file, recorded
from embook.format import number, rounded
from embook.ledger.registry import Row, row_of
from embook.ledger.sources import cited
from embook.ledger.verdicts import agrees, rule
from embook.tables import show

__all__ = ["claim", "words"]

DEFAULT = "default"


def claim(
    identifier: str,
    measured: Any = None,
    *,
    as_stated: bool | None = None,
    corrected: bool | None = None,
    when: bool | None = None,
    unless: bool | None = None,
) -> None:
    """Show a row of the ledger with what this run measured, and leave the record for the build.

    Parameters
    ----------
    identifier : str
        Id of a row of ``claims/*.yml``; an unregistered one is shown, too, and fails the build.
    measured : number, text, list or mapping, optional
        What was measured; floats are rounded to the row's ``digits`` and the rounded value is judged.
    as_stated, corrected, when, unless : bool, optional
        The propositions that the row names; pass exactly those.
    """
    row = row_of(book_folder(), identifier)
    given = {"as_stated": as_stated, "corrected": corrected, "when": when, "unless": unless}
    record = {
        "id": identifier,
        "measured": _stored(row, measured),
        "propositions": {name: bool(value) for name, value in given.items() if value is not None},
        "parameters": _parameters(row),
    }
    lines = _lines(row, record)
    show({MIME: record, "text/html": _html(row, record, lines), "text/plain": "\n".join([_title(row, record), *lines])})


def _stored(row: Row | None, measured: Any) -> Any:
    """Round for storage; the gap of an identity becomes its bound, so that rounding noise is never stored."""
    value = rounded(measured, row.digits if row else 6)
    if row is None or row.policy != "identity":
        return value
    return _bounded(value, row.bounds["below"])


def _bounded(value: Any, below: float) -> Any:
    if isinstance(value, dict):
        return {key: _bounded(item, below) for key, item in value.items()}
    if isinstance(value, list):
        return [_bounded(item, below) for item in value]
    is_gap = isinstance(value, int | float) and not isinstance(value, bool)
    return f"< {number(below, 2)}" if is_gap and abs(value) < below else value


def _parameters(row: Row | None) -> Any:
    """Return ``"default"``, or the names and values that differ from the committed chapter's literals."""
    path = chapter_file(book_folder(), row.chapter) if row else None
    if path is None:
        return DEFAULT
    try:
        return rounded(changed_parameters(path, _names())) or DEFAULT
    except (OSError, ValueError, KeyError, SyntaxError):
        # An unreadable chapter must not stop a reader's run; the build reports it.
        return DEFAULT


def _names() -> dict[str, Any]:
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    return dict(shell.user_ns) if shell is not None else {}


def _title(row: Row | None, record: dict[str, Any]) -> str:
    statement = row.statement if row else "not registered: add a row to claims/"
    return f"[{record['id']}] {_badge(row, record)}: {statement}"


def _badge(row: Row | None, record: dict[str, Any]) -> str:
    if row is None:
        return "unregistered"
    verdict = rule(record["propositions"])
    met = agrees(row.policy, row.bounds, row.expected, record["measured"])
    return verdict if met else f"{verdict}, but the number disagrees"


def _lines(row: Row | None, record: dict[str, Any]) -> list[str]:
    lines = [f"measured: {words(record['measured'])}"] if record["measured"] is not None else []
    if record["parameters"] != DEFAULT:
        lines[:1] = [f"measured {words(record['measured'])}; the book's run: {_committed(row, record['id'])}"]
        lines.append(f"run with {words(record['parameters'])}: shown, not judged")
    if row and row.expected is not None:
        lines.append(f"expected: {words(row.expected)} ({row.policy})")
    lines += [f"{name.replace('_', ' ')}: {words(value)}" for name, value in record["propositions"].items()]
    if row is None:
        return lines
    stored = ["from a stored study; a test computes a random share of it anew"] if row.profile == "stored" else []
    scope = [f"{name}: {text}" for name, text in row.scope.items()]
    return [*lines, *stored, f"why: {row.why}", *scope, f"source: {_source(row.source)}"]


def _source(source: dict[str, str]) -> str:
    quoted = f", as quoted by {cited(book_folder(), source['quoted_by'])}" if "quoted_by" in source else ""
    return f"{cited(book_folder(), source['key'])}, {source['place']}{quoted}"


def _committed(row: Row | None, identifier: str) -> str:
    path = chapter_file(book_folder(), row.chapter) if row else None
    record = recorded(path, identifier) if path else None
    return words(record["measured"]) if record else "not recorded yet"


def words(value: Any) -> str:
    """Print a stored value in one line; digits were settled when it was stored."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {words(item)}" for key, item in value.items())
    if isinstance(value, list):
        return "[" + ", ".join(words(item) for item in value) + "]"
    return number(value, 12)


def _html(row: Row | None, record: dict[str, Any], lines: list[str]) -> str:
    anchor = row.anchor if row else f"claim-{record['id'].lower()}"
    statement = escape(row.statement if row else "not registered: add a row to claims/")
    verdict = escape(_badge(row, record))
    items = "".join(f"<li>{escape(line)}</li>" for line in lines)
    kind = rule(record["propositions"]) if row else "unregistered"
    return (
        f'<div class="emlib-claim emlib-{kind}" id="{escape(anchor, quote=True)}">'
        f"<p><strong>{escape(record['id'])}</strong> <em>{verdict}</em>: {statement}</p><ul>{items}</ul></div>"
    )
