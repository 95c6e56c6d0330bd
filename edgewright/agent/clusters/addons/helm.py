"""Charts by helm on this host: install, upgrade, and the way back from one that was killed half-way."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Dict, List, Optional

from edgewright.agent.clusters import paths
from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.kube.api import SERVER_NAME
from edgewright.core.clusters.model import Layer
from edgewright.core.errors import Failed, Refused

FOLDER = paths.RUN + "/helm"
"""Charts and values while helm runs, in memory: values may be secret."""
LABEL, LAYER_LABEL = "edgewright-content", "edgewright-layer"
WAIT = "10m"
OWN_API = "https://127.0.0.1:6443"


class Helm:
    """helm with the administrator's kubeconfig of this control plane."""

    def __init__(self, context: Context, layer: Layer) -> None:
        self.context, self.layer = context, layer
        self.release = layer.release or layer.name
        self.namespace = layer.namespace or "default"

    def command(self, *arguments: str) -> List[str]:
        """Return a command of helm."""
        return [self.context.path_of("helm"), *arguments, "--namespace", self.namespace, *helm_api(self.context)]

    def status(self) -> str:
        """Return the state of the release as helm names it, empty when there is none. Raises `Failed`."""
        done = self.context.host.run(self.command("status", self.release, "--output", "json"), 60)
        if done.code != 0:
            if "not found" in done.error:
                return ""
            raise Failed(f"helm cannot be asked for {self.release}: {done.last}.")
        try:
            return str((json.loads(done.output).get("info") or {}).get("status") or "")
        except (ValueError, AttributeError):
            raise Failed(f"helm reported {self.release} in a form that is not known.") from None

    def current(self) -> bool:
        """Return whether the release is deployed with exactly this content."""
        selector = f"{LABEL}={content_label(self.layer)}"
        arguments = ("list", "--selector", selector, "--filter", f"^{self.release}$", "--deployed", "--output", "json")
        done = self.context.host.run(self.command(*arguments), 60)
        try:
            return done.code == 0 and len(json.loads(done.output)) == 1
        except (ValueError, TypeError):
            return False

    def install(self) -> None:
        """Bring the release to this layer. Raises `EdgewrightError`."""
        self._repair()
        host = self.context.host
        host.folder(FOLDER, 0o700)
        place = f"{FOLDER}/{self.layer.name}"
        try:
            command = self._command(place)
            code = host.stream(command, {"HOME": host.path(paths.HOME), "PATH": paths.SEARCH})
        finally:
            host.remove(place)
        if code != 0:
            raise Failed(
                f"helm could not install {self.release} (it ended with {code}).", "The log of the step has the reason."
            )

    def remove(self) -> None:
        """Uninstall the release if it is there."""
        if self.status():
            self.context.host.must(self.command("uninstall", self.release, "--wait"), 600)

    def crds(self) -> List[Dict[str, Any]]:
        """Return the CRDs of the chart's folder `crds/`, which helm never upgrades."""
        host = self.context.host
        done = host.run([self.context.path_of("helm"), "show", "crds", self._chart()], 60)
        if done.code != 0:
            raise Failed(f"The chart of {self.layer.name} cannot be read: {done.last}.", "Look at its archive.")
        if not done.output.strip():
            return []
        return yaml_objects(self.context, done.output)

    def _chart(self) -> str:
        if not self.layer.content:
            raise Failed(f"The layer {self.layer.name} has no chart.", "Look at its document.")
        path = f"{FOLDER}/{self.layer.name}.tgz"
        self.context.host.folder(FOLDER, 0o700)
        self.context.host.write(path, self.context.blob(self.layer.content[0]), 0o600, durable=False)
        return self.context.host.path(path)

    def _command(self, place: str) -> List[str]:
        host, layer = self.context.host, self.layer
        values: List[str] = []
        if layer.values:
            host.write(f"{place}/values.yaml", self.context.blob(layer.values), 0o600, durable=False)
            values = ["--values", host.path(f"{place}/values.yaml")]
        return self.command(
            "upgrade", "--install", self.release, self._chart(), *values, "--create-namespace", "--skip-crds",
            "--server-side=true", "--wait", "--timeout", WAIT, "--history-max", "5",
            "--labels", f"{LABEL}={content_label(layer)},{LAYER_LABEL}={layer.name}",
        )  # fmt: skip

    def _repair(self) -> None:
        """Resolve what a helm that was killed left: with `pending-*`, every upgrade is refused."""
        state = self.status()
        if not state.startswith("pending-"):
            return
        host = self.context.host
        if self.layer.hooks_once:
            raise Refused(
                f"{self.release} was interrupted ({state}), and its hooks may run once only.",
                "Check what they did, repair the release with helm, then retry.",
                "HooksOnce",
            )
        revision = self._deployed_revision() if state != "pending-install" else None
        if revision is None:
            host.report(f"{self.release} is {state}: it is removed and installed again")
            host.must(self.command("uninstall", self.release, "--no-hooks", "--wait"), 600)
        else:
            host.report(f"{self.release} is {state}: back to revision {revision}")
            host.must(self.command("rollback", self.release, str(revision), "--wait"), 900)

    def _deployed_revision(self) -> Optional[int]:
        done = self.context.host.run(self.command("history", self.release, "--output", "json"), 60)
        try:
            rows = [row for row in json.loads(done.output) if row.get("status") in ("deployed", "superseded")]
            return max(int(row["revision"]) for row in rows)
        except (ValueError, KeyError, TypeError, AttributeError):
            return None


def helm_api(context: Context) -> List[str]:
    """Return the arguments that lead helm to this host's own API server: the VIP may be moving."""
    kubeconfig = context.host.path(paths.ADMIN_CONF)
    return ["--kubeconfig", kubeconfig, "--kube-apiserver", OWN_API, "--kube-tls-server-name", SERVER_NAME]


def kubectl_api(context: Context) -> List[str]:
    """Return the same for kubectl."""
    kubeconfig = context.host.path(paths.ADMIN_CONF)
    return [f"--kubeconfig={kubeconfig}", f"--server={OWN_API}", f"--tls-server-name={SERVER_NAME}"]


def content_label(layer: Layer) -> str:
    """Return a label's value for everything that a layer consists of."""
    return hashlib.sha256("|".join([*layer.content, layer.values]).encode()).hexdigest()[:40]


def yaml_objects(context: Context, text: str) -> List[Dict[str, Any]]:
    """Return the objects of YAML text: kubectl reads it, since the standard library cannot. Raises `Failed`."""
    command = [context.path_of("kubectl"), "create", "--dry-run=client", "--validate=false", "--output", "json"]
    command += ["--filename", "-", *kubectl_api(context)]
    output = context.host.must(command, 60, text.encode())
    decoder, place = json.JSONDecoder(), 0
    items: List[Any] = []
    while place < len(output):
        try:
            value, place = decoder.raw_decode(output, place)
        except ValueError:
            raise Failed("kubectl printed objects that are not JSON.") from None
        items += value.get("items") if value.get("kind") == "List" else [value]
        while place < len(output) and output[place].isspace():
            place += 1
    return [item for item in items if isinstance(item, dict)]
