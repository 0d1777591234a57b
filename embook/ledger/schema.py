"""The shape of a registry row: which fields, which types, and what a foretold verdict must rest on.

YAML 1.1 reads ``5e-7`` as text and ``no`` as false, so every type is checked while the registry is read, where the file
and the row can still be named; a wrong type found later would be an error far from its cause. `SCHEMA`, a JSON Schema,
says which fields a row has and what each holds; what ties two fields together is checked below it.
"""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from embook.ledger.verdicts import POLICIES, PRINTED

__all__ = ["KINDS", "SCHEMA", "TEXT_VERDICTS", "VERDICTS", "faults_of"]

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

TEXT = {"type": "string"}
TEXTS = {"type": "array"}
#: A row whose tolerance is written as a mapping.
SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["id", "chapter", "statement", "source", "kind", "verdict", "why"],
    "additionalProperties": False,
    "properties": {
        "id": {
            **TEXT,
            "pattern": r"^[A-Z][A-Za-z0-9]*(-[A-Za-z0-9]+)*\Z",
            "description": "letters, digits and single hyphens, beginning with a capital",
        },
        "chapter": {"type": "integer"}, "statement": TEXT, "why": TEXT,
        "source": {
            "type": "object", "required": ["key", "place"], "additionalProperties": False,
            "properties": {"key": TEXT, "place": TEXT, "quoted_by": TEXT},
            "description": "the texts key and place, and quoted_by if it was not read",
        },
        "kind": {**TEXT, "enum": sorted(KINDS)},
        "verdict": {**TEXT, "enum": list(VERDICTS)},
        "expected": {},
        "tolerance": {"type": "object", "properties": {"policy": {"enum": list(POLICIES)}}, "required": ["policy"],
                      "additionalProperties": {"type": "number"}},
        "propositions": TEXTS, "answered_by": TEXTS, "digits": {"type": "integer"},
        "missing": TEXT, "cites": TEXT, "reading": TEXT, "population": TEXT, "limits": TEXT,
        "profile": {**TEXT, "enum": ["run", "stored"]},
    },
}  # fmt: skip
FIELDS = SCHEMA["properties"]
#: JSON takes 5.0 for an integer; a chapter or a count of digits is written without a point.
INTEGER = Draft202012Validator.TYPE_CHECKER.redefine("integer", lambda _, value: type(value) is int)
VALIDATOR = extend(Draft202012Validator, type_checker=INTEGER)(SCHEMA)
#: Words that speak of a share of something, which the row must name.
SHARE_WORDS = re.compile(r"\b(often|usually|generally|typically|mostly)\b", re.IGNORECASE)


def faults_of(entry: Any) -> list[str]:
    """Return everything wrong with one row; its form first, because the later rules rely on it."""
    if not isinstance(entry, dict):
        return ["is not a mapping: give it the fields id, chapter, statement, ..."]
    given = entry.get("tolerance", "none")
    row = {**entry, "tolerance": {"policy": given} if isinstance(given, str) else given}
    form = [fault for error in VALIDATOR.iter_errors(row) for fault in _told(error, row)]
    return list(dict.fromkeys(form)) or [*_tolerance(row), *_support(row), *_certified(row)]


def _told(error: ValidationError, row: dict[str, Any]) -> list[str]:
    """Return one sentence for each breach of a rule of the schema: field, finding and remedy."""
    path, found = [str(part) for part in error.absolute_path], error.instance
    name = " ".join(path).removesuffix(" policy")
    if path[:1] == ["source"]:
        return [f"source is {row['source']!r}: give {FIELDS['source']['description']}"]
    if error.validator == "required":
        missing = [field for field in error.validator_value if field not in found]
        return [f"{' '.join([*path, field])} is missing: add it" for field in missing]
    if error.validator == "additionalProperties":
        return [f"{field} is no field of a row: remove or spell it right" for field in found if field not in FIELDS]
    if error.validator == "enum":
        return [f"{name} {found!r} is unknown: use one of {', '.join(error.validator_value)}"]
    if error.validator == "pattern":
        return [f"{name} must be {error.schema['description']}: rename it"]
    if error.validator_value == "number":
        return [f"{name} is {found!r}: write a number like 5.0e-7"]
    return [f"{name} is {found!r}, a {type(found).__name__}: quote text, write numbers like 5.0e-7"]


def _tolerance(row: dict[str, Any]) -> list[str]:
    bounds = dict(row["tolerance"])
    policy = bounds.pop("policy")
    must, may = POLICIES[policy]
    if not must <= set(bounds) <= must | may:
        return [f"tolerance {policy} has {sorted(bounds)}: it takes {sorted(must)} and may take {sorted(may)}"]
    if policy == "ordering" and not bounds:
        return ["tolerance ordering has no bound: give above or below"]
    return _expected(policy, row.get("expected")) or _digits(policy, row)


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


def _digits(policy: str, row: dict[str, Any]) -> list[str]:
    """Check that enough digits are stored: the stored value is judged, and truncation shows only beyond the print."""
    if policy not in PRINTED:
        return []
    needed = max(len(Decimal(leaf).as_tuple().digits) for leaf in _leaves(row["expected"])) + (policy == "truncated")
    digits = row.get("digits", 6)
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


def _support(row: dict[str, Any]) -> list[str]:
    """Check that the foretold verdict names what it rests on."""
    verdict, names = row["verdict"], frozenset(map(str, row.get("propositions", [])))
    faults = []
    if names not in VERDICTS.get(verdict, frozenset({names})):
        choices = " or ".join(" and ".join(sorted(v)) or "none" for v in VERDICTS[verdict])
        faults.append(f"verdict {verdict} with propositions {sorted(names)}: it rests on {choices}")
    needs = {"answered": "answered_by", "open": "missing", "reference": "cites"}.get(verdict)
    if needs and not row.get(needs):
        faults.append(f"verdict {verdict} without {needs}: add it")
    share = SHARE_WORDS.search(row["statement"])
    if share and verdict not in TEXT_VERDICTS and not row.get("population"):
        faults.append(f"the statement says {share[0]!r} without population: name what the share is taken over")
    for word in ("reference", "definition"):
        if verdict == word != row["kind"]:
            faults.append(f"verdict {word} for kind {row['kind']}: only a {word} is settled so")
    return faults


def _certified(row: dict[str, Any]) -> list[str]:
    """Check that a certified row prints digits, and rests on its proof alone."""
    if row["kind"] != "certified":
        return []
    digits = row["tolerance"]["policy"] in ("truncated", "rounded")
    alone = row.get("propositions") == ["as_stated"]
    return [] if digits and alone else ["kind certified takes tolerance truncated or rounded, and as_stated alone"]
