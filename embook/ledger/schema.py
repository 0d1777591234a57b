"""The shape of a registry row: which fields, which types, and what a foretold verdict must rest on.

YAML 1.1 reads ``5e-7`` as text and ``no`` as false, so every type is checked while the registry is read, where the file
and the row can still be named; a wrong type found later would be an error far from its cause.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from embook.ledger.verdicts import POLICIES, PRINTED

__all__ = ["KINDS", "TEXT_VERDICTS", "VERDICTS", "faults_of"]

KINDS = frozenset(
    {
        "identity", "theorem", "number", "certified", "figure", "ordering", "opinion", "question", "reference",
        "definition", "example",
    }
)  # fmt: skip
#: The propositions that each verdict rests on.
VERDICTS: dict[str, frozenset[frozenset[str]]] = {
    "holds": frozenset({frozenset({"as_stated"}), frozenset({"as_stated", "corrected"})}),
    "conditional": frozenset({frozenset({"when", "unless"})}),
    "imprecise": frozenset({frozenset({"as_stated", "corrected"})}),
    "false": frozenset({frozenset({"as_stated"})}),
    "answered": frozenset({frozenset()}),
    "reference": frozenset({frozenset()}),
    "definition": frozenset({frozenset()}),
    "open": frozenset({frozenset()}),
}
#: Verdicts settled by a labelled place in the text, not by a cell.
TEXT_VERDICTS = frozenset({"answered", "reference", "definition", "open"})

REQUIRED: dict[str, type] = {
    "id": str, "chapter": int, "statement": str, "source": dict, "kind": str, "verdict": str, "why": str,
}  # fmt: skip
OPTIONAL: dict[str, type | tuple[type, ...]] = {
    "expected": object, "tolerance": (str, dict), "propositions": list, "digits": int, "answered_by": list,
    "missing": str, "cites": str, "profile": str, "reading": str, "population": str, "limits": str,
}  # fmt: skip
#: Words that speak of a share of something, which the row must name.
SHARE_WORDS = re.compile(r"\b(often|usually|generally|typically|mostly)\b", re.IGNORECASE)
IDENTIFIER = re.compile(r"[A-Z][A-Za-z0-9]*(-[A-Za-z0-9]+)*")


def faults_of(entry: Any) -> list[str]:
    """Everything wrong with one row; types first, because the later rules rely on them."""
    if not isinstance(entry, dict):
        return ["is not a mapping: give it the fields id, chapter, statement, ..."]
    return _types(entry) or [*_words(entry), *_tolerance(entry), *_support(entry), *_certified(entry)]


def _types(entry: dict[str, Any]) -> list[str]:
    fields = {**REQUIRED, **OPTIONAL}
    missing = [f"{key} is missing: add it" for key in REQUIRED if key not in entry]
    unknown = [f"{key} is no field of a row: remove or spell it right" for key in entry if key not in fields]
    wrong = [
        f"{key} is {entry[key]!r}, a {type(entry[key]).__name__}: quote text, write numbers like 5.0e-7"
        for key, kind in fields.items()
        if key in entry and (not isinstance(entry[key], kind) or (kind is int and isinstance(entry[key], bool)))
    ]
    return missing + unknown + wrong


def _words(entry: dict[str, Any]) -> list[str]:
    faults = []
    if not IDENTIFIER.fullmatch(entry["id"]):
        faults.append("id must be letters, digits and single hyphens, beginning with a capital: rename it")
    if entry["kind"] not in KINDS:
        faults.append(f"kind {entry['kind']!r} is unknown: use one of {', '.join(sorted(KINDS))}")
    if entry["verdict"] not in VERDICTS:
        faults.append(f"verdict {entry['verdict']!r} is unknown: use one of {', '.join(VERDICTS)}")
    fields = set(entry["source"]) - {"quoted_by"}
    if fields != {"key", "place"} or not all(isinstance(v, str) for v in entry["source"].values()):
        faults.append(f"source is {entry['source']!r}: give the texts key and place, and quoted_by if it was not read")
    if entry.get("profile", "run") not in {"run", "stored"}:
        faults.append(f"profile {entry['profile']!r} is unknown: use run or stored")
    return faults


def _tolerance(entry: dict[str, Any]) -> list[str]:
    tolerance = entry.get("tolerance", "none")
    bounds = dict(tolerance) if isinstance(tolerance, dict) else {"policy": tolerance}
    policy = bounds.pop("policy", None)
    if policy not in POLICIES:
        return [f"tolerance {policy!r} is unknown: use one of {', '.join(POLICIES)}"]
    must, may = POLICIES[policy]
    if not must <= set(bounds) <= must | may:
        return [f"tolerance {policy} has {sorted(bounds)}: it takes {sorted(must)} and may take {sorted(may)}"]
    if policy == "ordering" and not bounds:
        return ["tolerance ordering has no bound: give above or below"]
    wrong = [f"tolerance {k} is {v!r}: write a number like 5.0e-7" for k, v in bounds.items() if not _is_number(v)]
    return wrong or _expected(policy, entry.get("expected")) or _digits(policy, entry)


def _expected(policy: str, expected: Any) -> list[str]:
    if policy in {"none", "identity", "ordering"}:
        return []
    if expected is None:
        return [f"expected is missing, and tolerance {policy} judges by it: add it"]
    leaves = _leaves(expected)
    if policy in PRINTED:
        return [f"expected {v!r} must be the printed number, in quotes" for v in leaves if not _printed(v)]
    if policy == "exact":
        return []
    return [f"expected {v!r} is no number: write it like 5.0e-7" for v in leaves if not _is_number(v)]


def _digits(policy: str, entry: dict[str, Any]) -> list[str]:
    """Whether enough digits are stored: the stored value is judged, and truncation shows only beyond the print."""
    if policy not in PRINTED:
        return []
    needed = max(len(Decimal(leaf).as_tuple().digits) for leaf in _leaves(entry["expected"])) + (policy == "truncated")
    digits = entry.get("digits", 6)
    return (
        [] if digits >= needed else [f"digits {digits} are fewer than the {needed} that tolerance {policy} judges by"]
    )


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in _leaves(item)]
    return [leaf for item in value for leaf in _leaves(item)] if isinstance(value, list) else [value]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _printed(value: Any) -> bool:
    try:
        return isinstance(value, str) and Decimal(value).is_finite()
    except InvalidOperation:
        return False


def _support(entry: dict[str, Any]) -> list[str]:
    """Whether the foretold verdict names what it rests on."""
    verdict, names = entry["verdict"], frozenset(map(str, entry.get("propositions", [])))
    faults = []
    if names not in VERDICTS.get(verdict, frozenset({names})):
        choices = " or ".join(" and ".join(sorted(v)) or "none" for v in VERDICTS[verdict])
        faults.append(f"verdict {verdict} with propositions {sorted(names)}: it rests on {choices}")
    needs = {"answered": "answered_by", "open": "missing", "reference": "cites"}.get(verdict)
    if needs and not entry.get(needs):
        faults.append(f"verdict {verdict} without {needs}: add it")
    share = SHARE_WORDS.search(entry["statement"])
    if share and verdict not in TEXT_VERDICTS and not entry.get("population"):
        faults.append(f"the statement says {share[0]!r} without population: name what the share is taken over")
    for word in ("reference", "definition"):
        if verdict == word != entry["kind"]:
            faults.append(f"verdict {word} for kind {entry['kind']}: only a {word} is settled so")
    return faults


def _certified(entry: dict[str, Any]) -> list[str]:
    """Whether a certified row prints digits, and rests on its proof alone."""
    if entry["kind"] != "certified":
        return []
    digits = entry.get("tolerance") in ("truncated", "rounded")
    alone = entry.get("propositions") == ["as_stated"]
    return [] if digits and alone else ["kind certified takes tolerance truncated or rounded, and as_stated alone"]
