"""The bytes of a text file: bounded, and UTF-8."""

from __future__ import annotations

from edgewright.core.errors import InvalidInput
from edgewright.yamltext.bounds import MAX_SIZE

_HEADS: tuple[tuple[bytes, str], ...] = (
    *((b"\xff\xfe\0\0", "UTF-32"), (b"\0\0\xfe\xff", "UTF-32"), (b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16")),
    *((b"PK\3\4", "a workbook or ZIP archive"), (b"\x1f\x8b", "compressed with gzip"), (b"%PDF", "a PDF")),
    *((b"\xd0\xcf\x11\xe0", "an old Office document"), (b"\x7fELF", "a program")),
)
"""First bytes of what is taken for a text by mistake (Notepad's "Unicode", PowerShell's `>` write UTF-16)."""


def decode(data: bytes, name: str = "The user-data", most: int = MAX_SIZE) -> str:
    """Return the text of a file's bytes, with its byte order mark. Raises `InvalidInput`: too big, or not UTF-8."""
    if len(data) > most:
        raise InvalidInput(
            f"{name} is bigger than {most // 1024 // 1024} MB; the host's collector skips what is bigger than 1 MB.",
            "Put what is big into the image or a content bundle.",
            "TooBig",
        )
    other = _other_encoding(data)
    if other:
        raise InvalidInput(f"{name} is {other}, not UTF-8 text.", "Save it as UTF-8 without BOM.", "NotText")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as wrong:
        line = data.count(b"\n", 0, wrong.start) + 1
        message = f"{name} is not UTF-8 text: line {line} contains the byte 0x{data[wrong.start]:02X}."
        raise InvalidInput(
            message, "Save it as UTF-8 (an editor of Windows writes its own code page).", "NotText"
        ) from None


def _other_encoding(data: bytes) -> str:
    """Return what a file is that is not UTF-8 text, by its first bytes; "" when they show nothing."""
    for head, what in _HEADS:
        if data.startswith(head):
            return what
    head = data[:200]
    return "UTF-16" if len(head) >= 8 and head.count(0) * 3 >= len(head) else ""
