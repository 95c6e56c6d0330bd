"""The desired state of this host (P22): kept on disk before it is acted on, acted on while the plane is away."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, Tuple

from edgewright.agent.operations import Outcome
from edgewright.agent.state import StateFolder
from edgewright.wire import protocol

NAME = "desired"
ASK_EVERY = 10
"""Heartbeats after which the desired state is asked for in any case (P22)."""
NO_TUNNEL = "this agent has no tunnel yet: reach the host by SSH on its own network"


class Desired:
    """The newest desired state, how far it is applied, and what the plane was told of the tunnel."""

    def __init__(self, folder: StateFolder) -> None:
        self._folder = folder
        body = folder.load(NAME) or {}
        self.generation = _whole(body.get("generation"))
        self.observed = _whole(body.get("observed"))
        self._config: Dict[str, Any] = body["config"] if isinstance(body.get("config"), dict) else {}
        self._tunnel_told: str = str(body.get("tunnelTold", ""))
        self._beats = ASK_EVERY  # ask once after each start

    def due(self, announced: Optional[int]) -> bool:
        """Tell whether to ask the plane now; `announced` is the generation that a heartbeat named."""
        self._beats += 1
        if self._beats > ASK_EVERY or self.observed < self.generation:
            return True
        return announced is not None and announced > self.generation

    def take(self, config: Optional[Mapping[str, Any]]) -> bool:
        """Make an answer durable; return whether there is something to act on. `None` means unchanged.

        A lower generation than the one on disk is late and dropped.
        """
        self._beats = 0
        if config is not None:
            generation = _whole(_extension(config).get("generation"))
            if generation < self.generation:
                return False
            if generation != self.generation or dict(config) != self._config:
                self.generation, self._config = generation, dict(config)
                self._save()
            return True
        return self.observed < self.generation

    def operations(self) -> List[Dict[str, Any]]:
        """Return the operations that the plane offers."""
        offered = _extension(self._config).get("operations")
        return [item for item in offered if isinstance(item, dict)] if isinstance(offered, list) else []

    def tunnel_answer(self, refusal: str) -> Optional[Tuple[str, str]]:
        """Return the tunnel state to report (P30), `None` when the plane knows it."""
        config = self._config.get("tunnelConfig")
        wanted = str(config.get("remoteSsh", "")) if isinstance(config, dict) else ""
        if wanted == self._tunnel_told or (wanted != "enabled" and not self._tunnel_told):
            return None
        return ("Failed", refusal or NO_TUNNEL) if wanted == "enabled" else ("Deleted", "")

    def tunnel_answered(self) -> None:
        """Note that the plane has taken the tunnel's state."""
        config = self._config.get("tunnelConfig")
        self._tunnel_told = str(config.get("remoteSsh", "")) if isinstance(config, dict) else ""
        self._save()

    def applied(self) -> None:
        """Note that everything of the present generation was acted on."""
        if self.observed != self.generation:
            self.observed = self.generation
            self._save()

    def reset(self, operation: str, params: Mapping[str, Any]) -> Outcome:
        """Operation `reset` (P26): forget the state of the cluster; identity, credential and facts stay."""
        clusters = self._config.pop("clusterUids", None)
        self._save()
        if not clusters:
            return Outcome(protocol.OP_SUCCEEDED, "This host belonged to no cluster; nothing was left to forget.")
        return Outcome(protocol.OP_SUCCEEDED, "The state of the cluster was forgotten.")

    def forget(self) -> None:
        """Begin anew, after the credential was lost: the next record of this host counts from the start."""
        self.generation = self.observed = 0
        self._config = {}
        self._tunnel_told = ""
        self._beats = ASK_EVERY
        self._folder.forget(NAME)

    def _save(self) -> None:
        body = {"generation": self.generation, "observed": self.observed, "config": self._config}
        self._folder.save(NAME, {**body, "tunnelTold": self._tunnel_told})


def _extension(config: Mapping[str, Any]) -> Mapping[str, Any]:
    value = config.get(protocol.EXTENSION)
    return value if isinstance(value, dict) else {}


def _whole(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
