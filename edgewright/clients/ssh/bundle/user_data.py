"""User-data without its secrets: by its schema where it can be read, and by the rules for text in any case."""

from __future__ import annotations

from edgewright.core.cloudconfig.masking import masked
from edgewright.core.errors import EdgewrightError
from edgewright.core.redaction.rules import Counts, count
from edgewright.core.redaction.stream import Redactor
from edgewright.yamltext.reader import read
from edgewright.yamltext.writer import write

UNREADABLE = b"# This user-data is not valid YAML: it is shown as it is, without what looks like a secret.\n"
MASKED = b"# User-data without secrets and comments, its keys in the order of the file.\n"


def without_secrets(text: bytes, cut: bool) -> tuple[bytes, Counts]:
    """Return a document that can be shown, and how many secrets were taken out of it."""
    counts: Counts = {}
    head = UNREADABLE
    if not cut:
        try:
            document = read(text.decode("utf-8")).document
            covered = write(masked(document)).encode()
        except (EdgewrightError, UnicodeDecodeError, ValueError, RecursionError):
            pass
        else:
            head, text = MASKED, covered
            if (number := covered.count(b"********")) > 0:
                count(counts, "secret of the schema", number)
    redactor = Redactor()
    text = redactor.feed(text) + redactor.finish(cut=cut)
    for rule, number in redactor.counts.items():
        count(counts, rule, number)
    return head + text, counts
