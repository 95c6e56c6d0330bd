"""What the keys on a list of workloads do beyond showing: logs, a shell, and what verbs get as arguments."""

from __future__ import annotations

from typing import Any, ClassVar

from edgewright.commands.kernel import registry
from edgewright.commands.kube.kubectl import find_kubectl
from edgewright.commands.kube.object_verbs import KubePodShell
from edgewright.core.errors import EdgewrightError, ExitCode, Failed
from edgewright.store.workloads.kinds import Kind
from edgewright.store.workloads.pods import PodRow
from tui.frame.links import open_key
from tui.frame.lists.listing import ListingScreen
from tui.modals.choose import ChooseModal
from tui.screens.workloads.following import ShowsCluster
from tui.screens.workloads.narrow import FORMER, pods_of
from tui.terminal.lend import terminal_lent
from tui.widgets.lines import line

OF_CONTAINERS = frozenset({"kube-pod-logs", "kube-pod-shell", "kube-pod-previous", "kube-pod-forward"})
"""Keys that lead into the containers of a pod."""


class ActsOnObjects(ListingScreen, ShowsCluster):
    """A list whose verbs get the marked rows, or the one under the cursor."""

    kind: ClassVar[Kind]
    _shown_rows: Any

    def rows_pointed_at(self) -> list[Any]:
        """Return the marked rows in their order, or the one under the cursor."""
        table = self.table
        keys = [key for key in table.keys if key in table.marks] or [table.cursor_key]
        return [self._shown_rows[key] for key in keys if key in self._shown_rows]

    def arguments(self, name: str) -> dict[str, Any]:
        """Return what verbs on objects get: kind, rows, cluster, and the API that is open."""
        if not name.startswith("kube ") or name in ("kube manifest",):
            return {}
        api = self._opened.api if self._opened is not None else None
        return {
            "view": self.kind.view, "objects": self.rows_pointed_at(), "api": api,
            "cluster": self.cluster_uid, "name": self.cluster_uid if self.reached else self.cluster_name,
        }  # fmt: skip

    def working_hints(self) -> tuple[str, ...]:
        """Return the keys that work on the objects: there is nothing of a container in a pod that no node has."""
        hints = super().working_hints()
        pods = [row for row in self.rows_pointed_at() if isinstance(row, PodRow)] if self.is_there else []
        useless = set() if self._opened is not None and self._opened.namespaces else {"kube-namespaces"}
        if pods and not any(pod.node for pod in pods):
            useless |= OF_CONTAINERS
        if pods and not any(pod.restarts for pod in pods):
            useless.add("kube-pod-previous")
        return tuple(entry for entry in hints if entry.partition("=")[0] not in useless)

    def refused(self, entries: Any) -> frozenset[str]:
        """Return the verbs that this kind does not have too."""
        refused = set(super().refused(entries))
        if self.simulated:
            refused |= {each.partition("=")[0] for each in entries if each.startswith("kube-")} - {"kube-kinds"}
        return frozenset(refused)

    def action_pod_logs(self) -> None:
        """Follow the logs of the marked pods, or of the pods of what is under the cursor."""
        self._open_logs()

    def action_pod_previous(self) -> None:
        """Show the logs of the containers before their last restart, of the same pods."""
        self._open_logs(FORMER)

    def _open_logs(self, which: str = "") -> None:
        rows = self.rows_pointed_at()
        if not rows:
            self.app.refuse("Choose a pod first.")  # type: ignore[attr-defined]
            return
        if all(isinstance(row, PodRow) for row in rows):
            if not any(row.node for row in rows):
                self.app.refuse(unplaced(rows[0], "there is no log"))  # type: ignore[attr-defined]
                return
            open_key(self.app, f"workload-logs/{self.cluster_uid}/{which}pods={','.join(row.uid for row in rows)}")
            return
        narrow = pods_of(self.kind.single, rows[0])
        if narrow is None:
            self.app.refuse(f"This {self.kind.single} has no pods.")  # type: ignore[attr-defined]
            return
        open_key(self.app, f"workload-logs/{self.cluster_uid}/{which}{narrow.query}")

    def action_site_open(self, target: str = "") -> None:
        """Open the host of the node under the cursor by SSH: it has the name of its node."""
        rows = self.rows_pointed_at()
        if self.kind.view != "nodes" or len(rows) != 1:
            self.app.refuse("Choose one node: a site is opened one at a time.")  # type: ignore[attr-defined]
            return
        open_key(self.app, f"doctor/{target or rows[0].name}")

    async def action_pod_shell(self) -> None:
        """Open a shell in the pod under the cursor; the console comes back when it ends."""
        app: Any = self.app
        rows = self.rows_pointed_at()
        if len(rows) != 1 or not isinstance(rows[0], PodRow):
            app.refuse("A shell is in one pod: choose one.")
            return
        if not rows[0].node:
            app.refuse(unplaced(rows[0], "there is no container"))
            return
        if reason := self.session.refusal(KubePodShell, self.reached):
            app.refuse(reason)
            return
        pod, make = rows[0], self.session.make_context
        if make is None:
            app.refuse("There is no plane here, so no shell can be opened.")
            return
        try:
            find_kubectl()
            container = await self._container(pod)
            if not container:
                return
            context = make()
            args = {"pod": pod, "container": container}
            verb = registry.acting(KubePodShell)()
            plan = await verb.plan(context, (self.cluster_uid,), args)
            with terminal_lent(app):
                await registry.run(KubePodShell, context, (self.cluster_uid,), args, plan=plan)
        except Failed as error:
            app.announce(f"{error.message} {error.hint}".strip(), "warn")
        except EdgewrightError as error:
            level = "warn" if error.exit_code == ExitCode.NOT_FOUND else "bad"
            app.announce(f"{error.message} {error.hint}".strip(), level)

    async def _container(self, pod: PodRow) -> str:
        if len(pod.names) == 1:
            return pod.names[0]
        options = [line((name, "strong"), key=name) for name in pod.names]
        return await self.app.ask(ChooseModal(f"Container of {pod.name}", options)) or ""  # type: ignore[attr-defined]


def unplaced(pod: PodRow, so: str) -> str:
    """Return the sentence for a pod that no node has yet."""
    why = f" ({pod.reason.rstrip('.')})" if pod.reason else ""
    return f"{pod.name} is {pod.status} and on no node{why}: {so} yet."
