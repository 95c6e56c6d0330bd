"""Documents that this host converges on, in a folder of their own, ordered by `(lineage, generation)` (P22, P36).

Absence is never removal: a lost credential, a deleted record or a restored plane changes nothing here. A host leaves a
document only by a tombstone (`absent` with a `releaseId`) of the same lineage, or by a reset of this host.
"""

from __future__ import annotations

import enum
from typing import Any, Dict, List, Mapping, NamedTuple, Optional

from edgewright.agent.reconcile import exchange
from edgewright.core import times
from edgewright.core.text import clean
from edgewright.wire.protocol.generations import Position, read_generation, read_lineage

MAX_RELEASE_ID = 64
OFFERED = ".offered"
RELEASED = ".released"


class Answer(enum.Enum):
    """What was done with a document that the plane offered."""

    TAKEN = "taken"
    UNCHANGED = "unchanged"
    LATE = "late"
    ADOPTED = "adopted"
    """Another lineage with the same content: only the place in the plane's history is new."""
    LINEAGE_CHANGED = "lineage changed"
    """Another lineage and other content: it waits for an operator, the host continues with its own."""
    INVALID = "invalid"


class Stored(NamedTuple):
    """One document with its place in the plane's history."""

    uid: str
    kind: str
    position: Position
    digest: str
    document: Dict[str, Any]
    released: str = ""
    """The release id of its tombstone, empty while it is wanted."""

    @property
    def wanted(self) -> Dict[str, Any]:
        """Return what the host was asked for, for reports."""
        return {**place(self.position), "digest": self.digest}


def place(position: Position) -> Dict[str, Any]:
    """Return a position as part of a document."""
    return {"lineage": position.lineage, "generation": position.generation}


class DocumentStore:
    """The documents of a folder; link and reconciler each have one of these on the same folder."""

    def __init__(self, folder: str) -> None:
        self.folder = folder

    def documents(self) -> List[Stored]:
        """Return all documents, those with a tombstone as well."""
        uids = [name for name in exchange.names(self.folder) if not name.endswith((OFFERED, RELEASED))]
        return [stored for stored in (self.get(uid) for uid in uids) if stored is not None]

    def get(self, uid: str) -> Optional[Stored]:
        """Return one document."""
        body = exchange.get(self.folder, uid)
        stored = _read(body) if body is not None else None
        if stored is None:
            return None
        release = exchange.get(self.folder, uid + RELEASED) or {}
        same = (release.get("lineage"), release.get("generation")) == stored.position
        return stored._replace(released=str(release.get("releaseId", ""))) if same else stored

    def offer(self, body: Mapping[str, Any]) -> Answer:
        """Store a document that the plane sent, unless it is late or of another history. Raises `OSError`."""
        fresh = _read(body)
        if fresh is None:
            return Answer.INVALID
        before = self.get(fresh.uid)
        if before is None:
            if _tombstone(body):
                return Answer.UNCHANGED  # nothing here to release
            self._save(body)
            return Answer.TAKEN
        if fresh.position.lineage != before.position.lineage:
            if fresh.digest == before.digest and not _tombstone(body):
                self._save(body)
                if before.released:
                    self._release(before._replace(position=fresh.position), before.released)
                exchange.drop(self.folder, fresh.uid + OFFERED)  # the plane has what this host runs
                return Answer.ADOPTED
            exchange.put(self.folder, fresh.uid + OFFERED, body)
            return Answer.LINEAGE_CHANGED
        if fresh.position.generation <= before.position.generation:
            return Answer.UNCHANGED if fresh.position == before.position else Answer.LATE
        if "absent" in body:
            return self._tombstone(fresh, before, body)
        self._save(body)
        return Answer.TAKEN

    def offered(self) -> List[Stored]:
        """Return documents of another lineage that wait for an operator."""
        uids = [name for name in exchange.names(self.folder) if name.endswith(OFFERED)]
        bodies = [exchange.get(self.folder, uid) for uid in uids]
        return [stored for stored in (_read(body) for body in bodies if body is not None) if stored is not None]

    def override(self, uid: str) -> bool:
        """Take the offered document of another lineage, as an operator decided; `False` when none waits."""
        body = exchange.get(self.folder, uid + OFFERED)
        if body is None or _read(body) is None:
            return False
        if _tombstone(body):
            before = self.get(uid)
            if before is not None:
                self._release(before, str(body["releaseId"]))
        else:
            self._save(body)
        exchange.drop(self.folder, uid + OFFERED)
        return True

    def reset(self, operation: str) -> List[str]:
        """Release every document of this host (P26); return their uids. Raises `OSError`."""
        wanted = [stored for stored in self.documents() if not stored.released]
        for stored in wanted:
            self._release(stored, operation)
        return [stored.uid for stored in wanted]

    def _tombstone(self, fresh: Stored, before: Stored, body: Mapping[str, Any]) -> Answer:
        if not _tombstone(body):
            return Answer.INVALID  # `absent` without a release id releases nothing
        stored = exchange.get(self.folder, before.uid) or {}
        self._save({**stored, **place(fresh.position)})
        self._release(before._replace(position=fresh.position), str(body["releaseId"]))
        return Answer.TAKEN

    def _release(self, stored: Stored, release: str) -> None:
        body = {"releaseId": clean(release, MAX_RELEASE_ID), "at": times.rfc3339(times.now())}
        exchange.put(self.folder, stored.uid + RELEASED, {**body, **place(stored.position)})

    def _save(self, body: Mapping[str, Any]) -> None:
        exchange.put(self.folder, str(body["uid"]), {name: body[name] for name in body if name != "step"})


def _tombstone(body: Mapping[str, Any]) -> bool:
    release = body.get("releaseId")
    return body.get("absent") is True and isinstance(release, str) and 0 < len(release) <= MAX_RELEASE_ID


def _read(body: Mapping[str, Any]) -> Optional[Stored]:
    """Return a document from its file or from the plane, `None` when it cannot be one."""
    uid, kind, digest = body.get("uid"), body.get("kind"), body.get("digest", "")
    generation, lineage = read_generation(body.get("generation")), read_lineage(body.get("lineage"))
    document = body.get("document", {})
    valid = isinstance(uid, str) and 0 < len(uid) <= 64 and uid.isascii() and uid.replace("-", "").isalnum()
    if not valid or generation is None or lineage is None or not isinstance(document, dict):
        return None
    return Stored(str(uid), str(kind), Position(lineage, generation), str(digest), document)
