"""Ports of this machine that lead into clusters: asked for on a list, shown, and ended."""

from __future__ import annotations

from typing import Any

from edgewright.commands.kube.changes.forwarding import Forward, port_of, ports_of
from edgewright.commands.kube.kubectl import find_kubectl
from edgewright.commands.kube.object_verbs import KubePodForward
from edgewright.core.errors import EdgewrightError, ExitCode, InvalidInput
from edgewright.store.workloads.pods import PodRow
from tui.modals.choose import ChooseModal
from tui.modals.form import Field, FormModal
from tui.screens.workloads.acting import unplaced
from tui.screens.workloads.changing import ChangesObjects
from tui.verbs.verbs import run_plan
from tui.widgets.lines import Line, line


class ForwardsPorts(ChangesObjects):
    """A list from whose rows a port can be led to this machine."""

    async def action_port_forward(self) -> None:
        """Ask for the ports, and lead a local one to the object under the cursor."""
        app: Any = self.app
        rows = self.rows_pointed_at()
        if not self._may(KubePodForward):
            return
        if len(rows) != 1 or self.kind.view in ("cluster-events", "machines"):
            app.refuse("A port leads to one pod, deployment, set or service: choose one.")
            return
        if isinstance(rows[0], PodRow) and not rows[0].node:
            app.refuse(unplaced(rows[0], "no port leads there"))
            return
        try:
            find_kubectl()
            document = await self.read_object(rows[0].uid)
            if document is None:
                return
            form = FormModal(f"Forward to {rows[0].uid}", _fields(ports_of(document)), go="Forward")
            answers = await app.ask(form)
            if not answers:
                return
            given = {"port": answers["port"], "local": answers.get("local", ""), "forwards": self.session.forwards}
            args = {**self.arguments(KubePodForward.name), **given}
            await run_plan(app, KubePodForward, self.targets(), args, asked=True)
        except EdgewrightError as error:
            level = "warn" if error.exit_code == ExitCode.NOT_FOUND else "bad"
            app.announce(f"{error.message} {error.hint}".strip(), level)

    async def action_port_forwards(self) -> None:
        """Show the ports that lead into clusters; the one that is chosen is ended."""
        app: Any = self.app
        forwards: list[Forward] = self.session.forwards
        if not forwards:
            app.announce("No port leads into a cluster: F on a pod, deployment or service makes one.")
            return
        options = [forward_line(each, str(at)) for at, each in enumerate(forwards)]
        chosen = await app.ask(ChooseModal("Ports that lead into clusters: enter ends one", options))
        if chosen is None:
            return
        ended = forwards.pop(int(chosen))
        await ended.stop()
        app.announce(f"127.0.0.1:{ended.local} leads to {ended.of} no more.")


def forward_line(forward: Forward, key: str) -> Line:
    """Return a forward as a line: where it leads, or why it ended."""
    place = f"127.0.0.1:{forward.local}"
    if forward.ended:
        return line(("▲ ", "bad"), (f"{place:<16}", "strong"), (f"ended: {forward.ended}", "bad"), key=key)
    behind = f"  {forward.reported}" if forward.reported else ""
    where = f"{forward.row.name} {forward.namespace} {forward.of}:{forward.remote}"
    return line(("• ", "ok"), (f"{place:<16}", "strong"), where, (behind, "warn"), key=key)


def _fields(ports: list[int]) -> list[Field]:
    named = ", ".join(map(str, ports[:8]))
    known = f"it names {named}" if named else "it names none"
    first = str(ports[0]) if ports else ""
    return [
        Field("port", "its port", known, first, True, check=_problem),
        Field("local", "local port", "of 127.0.0.1; empty: a free one", "", check=_local_problem),
    ]


def _problem(text: str) -> str:
    try:
        port_of(text)
    except InvalidInput as error:
        return f"{error.message} {error.hint}"
    return ""


def _local_problem(text: str) -> str:
    return _problem(text) if text.strip() not in ("", "0") else ""
