"""`edgewright kube get` with a plane in its own process, a stand-in: `FOLDER ARGUMENT...`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from edgewright.commands.kernel import context
from tests.e2e.kubernetes.workloads.stand_in_plane import StandInPlane


def main() -> int:
    """Run the verb through the product's own main."""
    plane = StandInPlane(Path(sys.argv[1]))

    def make(*_: Any, **__: Any) -> Any:
        return plane

    context.make_plane_client = make
    from edgewright.main import main as run

    arguments = sys.argv[2:]
    split = next((at for at, word in enumerate(arguments) if word.startswith("-")), len(arguments))
    words = [*arguments[:split], *(["--", *arguments[split:]] if arguments[split:] else [])]
    sys.argv = ["edgewright", "kube", "get", "workloads", *words]
    return int(run() or 0)


if __name__ == "__main__":
    raise SystemExit(main())
