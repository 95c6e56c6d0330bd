"""`python -m edgewright.agent` and the archive's entry: reports plainly when the Python here cannot run the agent."""

from __future__ import annotations

import sys


def start() -> int:
    """Check the interpreter, then run the command line; return the exit code."""
    if sys.version_info < (3, 9):  # noqa: UP036 - the archive may meet any Python
        result = ".".join(str(part) for part in sys.version_info[:2])
        sys.stderr.write(
            "edgewright-agent: needs Python 3.9 or later and found " + result + "; use the binary instead.\n"
        )
        return 1
    try:
        import argparse  # noqa: F401
        import http.client  # noqa: F401
        import json  # noqa: F401
        import ssl  # noqa: F401 - what python3-minimal lacks
    except ImportError as error:
        sys.stderr.write(
            "edgewright-agent: this Python is incomplete (" + str(error) + "): install the package python3, "
            "not python3-minimal, or use the binary edgewright-agent.\n"
        )
        return 1
    from edgewright.agent.cli import main

    return main(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(start())
