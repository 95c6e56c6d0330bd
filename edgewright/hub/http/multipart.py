"""A file in a form (`multipart/form-data`), as clients of Palette send documents."""

from __future__ import annotations

import re

from edgewright.hub.http.problems import Problem, bad_request

MOST_PARTS = 16
_BOUNDARY = re.compile(r'multipart/form-data\s*;(?:[^;]*;)*?\s*boundary="?([^\s";]{1,70})"?', re.IGNORECASE)
_NAME = re.compile(rb'content-disposition:[^\r\n]*[;\s]name="?([^"\r\n;]{1,100})"?', re.IGNORECASE)


def file_of(content: bytes, content_type: str, name: str) -> bytes:
    """Return the content of one part of a form. Raises `Problem` 400 for another body, or one without that part."""
    boundary = _BOUNDARY.match(content_type.strip())
    if boundary is None:
        raise _refused(f"The body should be multipart/form-data with a boundary and the file in the part {name}.")
    parts = (b"\r\n" + content).split(b"\r\n--" + boundary[1].encode("latin-1", "replace"), MOST_PARTS + 1)
    if len(parts) > MOST_PARTS + 1:
        raise _refused(f"The form in the body has more than {MOST_PARTS} parts.")
    for part in parts[1:]:
        head, separator, data = part.partition(b"\r\n\r\n")
        named = _NAME.search(head)
        if separator and named is not None and named[1] == name.encode():
            return data
    raise _refused(f"The form in the body has no part {name}.")


def _refused(message: str) -> Problem:
    return bad_request(message, "InvalidForm")
