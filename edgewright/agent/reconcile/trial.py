"""Documents of kind `trial`: steps that only wait and leave a marker file, to show that long work runs on a host."""

from __future__ import annotations

import hashlib
import os
import time
from typing import Any, Dict, Mapping, Optional, Sequence, Tuple

from edgewright.agent.reconcile.driver import Driver
from edgewright.agent.reconcile.steps import Action, Plan, Seen
from edgewright.agent.reconcile.store import DocumentStore
from edgewright.core.text import amount
from edgewright.wire.protocol.trial import blobs_of, steps_of

KIND = "trial"


class Trial(Driver):
    """Each step sleeps and then writes its marker into `folder`; the marker is its observed state.

    It waits for the blobs that its document names: the link fetches them into `contents` (P80).
    """

    kind = KIND

    def __init__(self, folder: str, contents: str = "") -> None:
        self.folder = folder
        self._contents = contents

    def plan(self, document: Mapping[str, Any], observed: Mapping[str, Any]) -> Plan:
        """See `Driver.plan`. The document has `uid`, `steps` (a list of seconds) and `blobs` (digests)."""
        seconds, blobs = steps_of(document), blobs_of(document)
        named = (document.get("uid"), seconds, *([blobs] if blobs else []))
        target = hashlib.sha256(repr(named).encode()).hexdigest()[:12]
        return [
            Action(
                f"trial-{target}-{n}", KIND, target, {"seconds": wait, "blobs": blobs}, wait * 2 + 60.0, n, len(seconds)
            )
            for n, wait in enumerate(seconds, 1)
        ]

    def waits_for(self, action: Action) -> str:
        """See `Driver.waits_for`. The link has checked the digest of what is there under its name."""
        blobs = action.params.get("blobs") or []
        missing = [digest for digest in blobs if not os.path.exists(os.path.join(self._contents, digest))]
        return f"content: {amount(len(missing), 'blob')} of {len(blobs)} not here yet" if missing else ""

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


def trial_document(uid: str, seconds: Sequence[int], blobs: Sequence[str] = ()) -> Dict[str, Any]:
    """Return a trial document with one step for each number of seconds."""
    named = {"blobs": list(blobs)} if blobs else {}
    return {"uid": uid, "kind": KIND, "steps": list(seconds), **named}


def offer_trial(
    store: DocumentStore, uid: str, seconds: Sequence[int], blobs: Sequence[str] = (), author: str = "site"
) -> None:
    """Let a trial take the place of the one before. Raises `OSError`."""
    before = store.get(KIND)
    generation = 1 if before is None else before.position.generation + 1
    lineage = "" if before is None else before.position.lineage
    digest = hashlib.sha256(repr((uid, list(seconds), list(blobs))).encode()).hexdigest()
    body: Dict[str, Any] = {"uid": KIND, "kind": KIND, "lineage": lineage, "generation": generation, "digest": digest}
    store.offer({**body, "author": author, "document": trial_document(uid, seconds, blobs)})
