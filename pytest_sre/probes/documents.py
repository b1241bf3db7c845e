"""Reading values out of an answer's JSON document without ever guessing one."""

import json
import math
from typing import Any, TypeAlias

from pytest_sre.verdict import Inconclusive

Json: TypeAlias = Any


def parse_document(body: bytes) -> Json:
    """Parse JSON.

    Raises:
        ValueError: when it is none.
    """
    try:
        return json.loads(body)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def value_at(document: object, path: str) -> Json:
    """Return the value at a dotted path; a number in the path counts into a list.

    Raises:
        Inconclusive: when there is none, naming the keys that are there.
    """
    found: Json = document
    for key in path.split("."):
        if isinstance(found, dict) and key in found:
            found = found[key]
        elif isinstance(found, list) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        else:
            raise Inconclusive(f"no value at {path!r}: {key!r} is not in {_shown(found)}")
    return found


def number_at(document: object, path: str) -> int | float:
    """Return the number at a dotted path, as it is.

    Raises:
        Inconclusive: when there is none, or when it is true, false, text, NaN or infinite.
    """
    found: Json = value_at(document, path)
    is_number = isinstance(found, (int, float)) and not isinstance(found, bool)
    if not is_number or not math.isfinite(found):
        raise Inconclusive(f"expected a number at {path!r}, found {_shown(found)}")
    return found  # type: ignore[no-any-return]


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return f"an object with the keys {', '.join(map(repr, list(value)[:8])) or '(none)'}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    text = json.dumps(value)
    return text if len(text) <= 80 else text[:79] + "…"
