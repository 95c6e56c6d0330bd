"""The desired state of this host (P22, P36): stored on disk before it is used, also while the plane is unreachable."""

from __future__ import annotations

import enum
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Tuple

from edgewright.agent.kernel.state import StateFolder
from edgewright.core import times
from edgewright.wire import protocol
from edgewright.wire.protocol.generations import Position, is_announced, is_late, read_generation, read_lineage

NAME = "desired"
ASK_EVERY = 10
"""Heartbeats after which the desired state is asked for in any case (P22)."""
NO_TUNNEL = "this agent has no tunnel yet: reach the host by SSH on its own network"


class Answer(enum.Enum):
    """What an answer with a desired state was."""

    UNCHANGED = "unchanged"
    TO_APPLY = "to apply"
    LATE = "late"
    INVALID = "invalid"


class LineageChange(NamedTuple):
    """The plane's database has another lineage than the one before: it was restored, or set back."""

    before: Position
    after: Position

    @property
    def message(self) -> str:
        """Return the sentences for the journal and the status."""
        names = f"lineage {self.after.lineage or '-'} instead of {self.before.lineage or '-'}"
        numbers = f"generation {self.after.generation} after {self.before.generation}"
        return (
            f"The plane's database was restored or set back ({names}, {numbers}). Its settings and operations apply "
            "from now on; operations that ran here before do not run again."
        )


class Desired:
    """The newest desired state, how far it is applied, and which tunnel state the plane knows.

    What is on disk may come from an agent that believed any number: a position out of bounds counts as none.
    """

    def __init__(self, folder: StateFolder) -> None:
        self._folder = folder
        body = folder.load(NAME) or {}
        self.generation = read_generation(body.get("generation")) or 0
        self.lineage = read_lineage(body.get("lineage")) or ""
        self.observed = min(read_generation(body.get("observed")) or 0, self.generation)
        config = body.get("config")
        self._config: Dict[str, Any] = config if isinstance(config, dict) and self.generation else {}
        self._tunnel_reported: str = str(body.get("tunnelTold", ""))
        changed = body.get("lineageChanged")
        self._changed: Dict[str, Any] = changed if isinstance(changed, dict) else {}
        self._beats = ASK_EVERY  # ask once after each start

    @property
    def position(self) -> Position:
        """Return the place of the stored desired state in the plane's history."""
        return Position(self.lineage, self.generation)

    def due(self, lineage: Optional[str], generation: Optional[int]) -> bool:
        """Return whether to ask the plane now; the arguments are what a heartbeat's answer named."""
        self._beats += 1
        if self._beats > ASK_EVERY or self.observed < self.generation:
            return True
        return is_announced(self.position, lineage, generation)

    def take(self, config: Optional[Mapping[str, Any]]) -> Tuple[Answer, Optional[LineageChange]]:
        """Make an answer durable; return what it was and, if so, which lineage ended. `None` means unchanged.

        A lower generation of the same lineage is late and dropped; host settings and operations of another lineage
        are taken at once (P36). An answer without a position that can be one changes nothing (P37).
        """
        self._beats = 0
        if config is None:
            return (Answer.TO_APPLY if self.observed < self.generation else Answer.UNCHANGED), None
        extension = _extension(config)
        generation, lineage = read_generation(extension.get("generation")), read_lineage(extension.get("lineage"))
        if generation is None or lineage is None:
            return Answer.INVALID, None
        before, after = self.position, Position(lineage, generation)
        if is_late(before, after):
            return Answer.LATE, None
        change = LineageChange(before, after) if before.generation and lineage != before.lineage else None
        if change is not None:
            self.observed = 0
            self._tunnel_reported = ""
            if not before.lineage and generation >= before.generation:
                change = None  # the plane was updated from a version that named none
        if after != before or dict(config) != self._config:
            self.lineage, self.generation, self._config = lineage, generation, dict(config)
            if change is not None:
                self._changed = {"before": before.lineage, "at": times.rfc3339(times.now()), "message": change.message}
            self._save()
        return Answer.TO_APPLY, change

    def operations(self) -> List[Dict[str, Any]]:
        """Return the operations that the plane offers."""
        offered = _extension(self._config).get("operations")
        return [item for item in offered if isinstance(item, dict)] if isinstance(offered, list) else []

    def tunnel_answer(self, refusal: str) -> Optional[Tuple[str, str]]:
        """Return the tunnel state to report (P30), `None` when the plane knows it."""
        config = self._config.get("tunnelConfig")
        wanted = str(config.get("remoteSsh", "")) if isinstance(config, dict) else ""
        if wanted == self._tunnel_reported or (wanted != "enabled" and not self._tunnel_reported):
            return None
        return ("Failed", refusal or NO_TUNNEL) if wanted == "enabled" else ("Deleted", "")

    def tunnel_answered(self) -> None:
        """Note that the plane has taken the tunnel's state."""
        config = self._config.get("tunnelConfig")
        self._tunnel_reported = str(config.get("remoteSsh", "")) if isinstance(config, dict) else ""
        self._save()

    def applied(self) -> None:
        """Note that everything of the present generation was acted on."""
        if self.observed != self.generation:
            self.observed = self.generation
            self._save()

    @property
    def in_cluster(self) -> bool:
        """Return whether the plane has this host in a cluster, as far as is known here."""
        return bool(self._config.get("clusterUids"))

    @property
    def cluster(self) -> Optional[Dict[str, Any]]:
        """Return the place of the cluster document that the plane offers (P100): uid, lineage, generation, digest."""
        offered = _extension(self._config).get("cluster")
        return offered if isinstance(offered, dict) else None

    @property
    def adoption(self) -> Optional[Dict[str, Any]]:
        """Return which document of a cluster the plane asks this host for (P106): `id`, uid and digest."""
        wanted = _extension(self._config).get("adopt")
        return wanted if isinstance(wanted, dict) else None

    @property
    def content(self) -> Optional[Dict[str, Any]]:
        """Return which content of a cluster the plane asks this host for (P108): uid and digests."""
        wanted = _extension(self._config).get("content")
        return wanted if isinstance(wanted, dict) else None

    def leave_cluster(self) -> None:
        """Forget the clusters of this host, after a reset (P26); identity, credential and facts stay."""
        if self._config.pop("clusterUids", None):
            self._save()

    def forget(self) -> None:
        """Start again, after the credential was lost: the next record of this host counts from the start."""
        self.generation = self.observed = 0
        self.lineage = ""
        self._config, self._changed = {}, {}
        self._tunnel_reported = ""
        self._beats = ASK_EVERY
        self._folder.forget(NAME)

    def _save(self) -> None:
        body = {"generation": self.generation, "observed": self.observed, "config": self._config}
        body.update(tunnelTold=self._tunnel_reported, lineage=self.lineage, lineageChanged=self._changed)
        self._folder.save(NAME, body)


def _extension(config: Mapping[str, Any]) -> Mapping[str, Any]:
    value = config.get(protocol.EXTENSION)
    return value if isinstance(value, dict) else {}
