"""What a trial may ask for (P87): steps that wait, and blobs whose content they need. Python 3.9."""

from __future__ import annotations

import re
from typing import Any, List, Mapping

MAX_STEPS, MAX_SECONDS = 20, 86_400
MAX_BLOBS = 20
_DIGEST = re.compile(r"[0-9a-f]{64}")


def steps_of(document: Mapping[str, Any]) -> List[int]:
    """Return the seconds of each step of a trial; what is none is left out."""
    steps = document.get("steps")
    return [step for step in steps if valid_seconds(step)][:MAX_STEPS] if isinstance(steps, list) else []


def blobs_of(document: Mapping[str, Any]) -> List[str]:
    """Return the digests that a trial names; what is none is left out."""
    blobs = document.get("blobs")
    return [item for item in blobs if is_digest(item)][:MAX_BLOBS] if isinstance(blobs, list) else []


def problem(params: Mapping[str, Any]) -> str:
    """Return what is wrong with the parameters of a trial, as a phrase after their name; "" when they can be used."""
    steps, blobs = params.get("steps"), params.get("blobs") or []  # null is absent (P2)
    if not isinstance(steps, list) or not 1 <= len(steps) <= MAX_STEPS or not all(map(valid_seconds, steps)):
        return f"steps should be a list of 1 to {MAX_STEPS} integers from 1 to {MAX_SECONDS}"
    if not isinstance(blobs, list) or len(blobs) > MAX_BLOBS or not all(map(is_digest, blobs)):
        return f"blobs should be a list of at most {MAX_BLOBS} digests (SHA-256, lower case)"
    return ""


def valid_seconds(number: object) -> bool:
    """Return whether a value can be the length of a step."""
    return isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= MAX_SECONDS


def is_digest(text: object) -> bool:
    """Return whether a value is a SHA-256 digest as blobs are named by."""
    return isinstance(text, str) and _DIGEST.fullmatch(text) is not None
