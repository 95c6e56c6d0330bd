"""Documents of kind `trial`: steps that only wait and leave a marker file, to show that long work runs on a host."""

from __future__ import annotations

import hashlib
import os
import time
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from edgewright.agent.reconcile.driver import Driver
from edgewright.agent.reconcile.steps import Action, Plan, Seen

KIND = "trial"
MAX_STEPS, MAX_SECONDS = 20, 86_400


class Trial(Driver):
    """Each step sleeps and then writes its marker into `folder`; the marker is its observed state."""

    kind = KIND

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def plan(self, document: Mapping[str, Any], observed: Mapping[str, Any]) -> Plan:
        """See `Driver.plan`. The document has `uid` and `steps`, a list of seconds."""
        steps = document.get("steps")
        seconds = [number for number in steps if _valid(number)][:MAX_STEPS] if isinstance(steps, list) else []
        target = hashlib.sha256(repr((document.get("uid"), seconds)).encode()).hexdigest()[:12]
        return [
            Action(f"trial-{target}-{n}", KIND, target, {"seconds": wait}, wait * 2 + 60.0, n, len(seconds))
            for n, wait in enumerate(seconds, 1)
        ]

    def observe(self, action: Action) -> Tuple[Seen, str]:
        """See `Driver.observe`."""
        try:
            os.stat(self._marker(action))
        except FileNotFoundError:
            return Seen.NOT_DONE, "its marker is not there"
        except OSError as error:
            return Seen.UNKNOWN, f"its marker cannot be read: {error.strerror}"
        return Seen.DONE, "its marker is there"

    def command(self, action: Action) -> Sequence[str]:
        """See `Driver.command`."""
        os.makedirs(self.folder, mode=0o700, exist_ok=True)
        marker, began = self._marker(action), f"{time.time():.0f}"
        script = 'echo "waits $1 s"; sleep "$1" && echo "$2" > "$3.new" && sync "$3.new" && mv "$3.new" "$3"'
        return ["/bin/sh", "-c", script, "trial", str(action.params["seconds"]), began, marker]

    def percent(self, action: Action, elapsed: float) -> Optional[int]:
        """See `Driver.percent`."""
        return max(0, min(99, int(100 * elapsed / action.params["seconds"])))

    def _marker(self, action: Action) -> str:
        return os.path.join(self.folder, action.step)


def trial_document(uid: str, seconds: Sequence[int]) -> Dict[str, Any]:
    """Return a trial document with one step for each number of seconds."""
    return {"uid": uid, "kind": KIND, "steps": list(seconds)}


def _valid(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and 1 <= number <= MAX_SECONDS
