"""Write the OpenAPI description of the hub without running one: `python tools/write_openapi.py FILE`."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from edgewright.hub.http import openapi  # noqa: E402
from edgewright.hub.process import compose  # noqa: E402
from edgewright.hub.process.options import ServeOptions  # noqa: E402


def main(arguments: Sequence[str]) -> int:
    """Write the file; return the exit code."""
    if len(arguments) != 1:
        print("usage: python tools/write_openapi.py FILE", file=sys.stderr)
        return 2
    text = json.dumps(openapi.document(compose.table(ServeOptions(data=Path()))), indent=1)
    try:
        Path(arguments[0]).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        print(f"{arguments[0]}: {error.strerror}; name a file that can be written.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
