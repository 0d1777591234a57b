"""Files of arrays and plain values: replaced atomically, checked when read, never pickled."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from emlib.model import Statistics
from emlib.numerics import Array

MAGIC = b"emlib checkpoint 2\n"
META = "meta"  # the array that holds everything but arrays, as JSON


def write(path: Path, meta: Mapping[str, Any], arrays: Mapping[str, Array]) -> None:
    """Replace a file atomically: whenever the process or the machine stops, it is the old one or the whole new one."""
    buffer = io.BytesIO()
    text = np.frombuffer(json.dumps(meta).encode(), dtype=np.uint8)
    np.savez(buffer, **{META: text}, **arrays)  # type: ignore[arg-type]  # the keyword `allow_pickle` is none of ours
    payload = buffer.getvalue()
    beside = path.with_name(path.name + ".part")
    with beside.open("wb") as file:
        file.write(MAGIC + hashlib.sha256(payload).hexdigest().encode() + b"\n" + payload)
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    """Flush a folder to the disk, so that a new name in it survives a loss of power, where the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)


def read(path: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    """Return what `write` wrote.

    Raises
    ------
    ValueError
        If the file is of another kind, or not the bytes that were written.
    """
    content = path.read_bytes()
    if not content.startswith(MAGIC):
        raise ValueError(f"checkpoint: {path} is no checkpoint of this version of emlib; give another path")
    digest, _, payload = content[len(MAGIC):].partition(b"\n")
    if hashlib.sha256(payload).hexdigest().encode() != digest:
        raise ValueError(f"checkpoint: {path} is damaged, its checksum does not fit its {len(content)} bytes; "
                         "delete it to start anew")
    with np.load(io.BytesIO(payload), allow_pickle=False) as file:
        arrays = {name: file[name] for name in file.files}
    return json.loads(arrays.pop(META).tobytes()), arrays


def encode(value: Any, name: str, arrays: dict[str, Array]) -> Any:
    """Return a value as JSON, its arrays put into `arrays` under names that start with `name`.

    Raises
    ------
    TypeError
        For anything but arrays, scalars, text, expected statistics, and tuples and mappings of these.
    """
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in "biufU":
        arrays[name] = np.asarray(value)
        return {"array": name} if isinstance(value, np.ndarray) else {"scalar": name}
    if value is None or isinstance(value, bool | int | float | str):
        return {"plain": value}
    if isinstance(value, Mapping):
        return {"mapping": {key: encode(item, f"{name}.{key}", arrays) for key, item in value.items()}}
    if isinstance(value, tuple):
        return {"tuple": [encode(item, f"{name}.{index}", arrays) for index, item in enumerate(value)]}
    if isinstance(value, Statistics):
        return {"statistics": {key: _encode_part(part, f"{name}.{key}", arrays) for key, part in value.parts.items()}}
    raise TypeError(f"checkpoint: {name} is of type {type(value).__name__}, which a checkpoint cannot hold; an "
                    "algorithm may remember arrays, scalars, text, statistics, and tuples and mappings of these")


def _encode_part(part: Any, name: str, arrays: dict[str, Array]) -> Any:
    if not is_dataclass(part):
        return encode(part, name, arrays)
    return {"part": {f.name: encode(getattr(part, f.name), f"{name}.{f.name}", arrays) for f in fields(part)}}


def decode(node: Mapping[str, Any], arrays: Mapping[str, Array], like: Statistics) -> Any:
    """Return the value that `encode` was given; statistics are built like those of `like`."""
    (kind, inside), = node.items()
    if kind == "array":
        return arrays[inside]
    if kind == "scalar":
        return arrays[inside][()]
    if kind == "mapping":
        return {key: decode(item, arrays, like) for key, item in inside.items()}
    if kind == "tuple":
        return tuple(decode(item, arrays, like) for item in inside)
    if kind == "statistics":
        return Statistics({key: _decode_part(part, arrays, like, like[key]) for key, part in inside.items()})
    return inside


def _decode_part(node: Mapping[str, Any], arrays: Mapping[str, Array], like: Statistics, template: Any) -> Any:
    if "part" not in node:
        return decode(node, arrays, like)
    return replace(template, **{key: decode(item, arrays, like) for key, item in node["part"].items()})
