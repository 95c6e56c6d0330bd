"""Keys on a list of workloads that ask something before they change an object: edit it, scale it."""

from __future__ import annotations

from typing import Any

from edgewright.commands.kube.changes import editing
from edgewright.commands.kube.changes.scaling import replicas_of
from edgewright.commands.kube.object_verbs import KubeObjectEdit, KubeObjectScale
from edgewright.core.errors import Conflict, EdgewrightError, InvalidInput
from edgewright.store.workloads.deployments import DeploymentRow
from edgewright.store.workloads.describing import document_of
from tui.modals.form import Field, FormModal
from tui.screens.workloads.acting import ActsOnObjects
from tui.terminal.editor import edited_text
from tui.verbs.verbs import run_plan


class ChangesObjects(ActsOnObjects):
    """A list whose rows can be edited, and scaled where they have pods by a template."""

    def _may(self, command: Any) -> bool:
        reason = self.session.refusal(command, self.reached)
        if not reason and self.session.make_context is None:
            reason = "There is no plane here, so nothing can be changed."
        if reason:
            self.app.refuse(reason)  # type: ignore[attr-defined]
        return not reason

    async def read_object(self, key: str) -> dict[str, Any] | None:
        """Return an object as the API has it now; None, with the reason shown, while it is not open, or when left.

        Raises `EdgewrightError`.
        """
        app: Any = self.app
        opened = self._opened
        if opened is None or opened.api is None:
            why = opened.error or opened.progress if opened is not None else "This cluster has no API."
            app.refuse(f"The API of {self.cluster_name} is not open. {why}")
            return None
        document = document_of(await opened.api.request("GET", self.kind.path_of(key)))
        return document if app.screen is self else None

    async def action_edit_object(self) -> None:
        """Edit the object under the cursor; what the server refuses opens the editor again, with its reason."""
        app: Any = self.app
        rows = self.rows_pointed_at()
        if not self._may(KubeObjectEdit):
            return
        if len(rows) != 1:
            app.refuse("One object at a time is edited: choose one.")
            return
        try:
            before = await self.read_object(rows[0].uid)
            if before is None:
                return
            given = editing.text_of(before)
            while True:
                edited = await edited_text(app, given, f"{rows[0].name}.yaml")
                if edited == given:
                    app.announce(f"{self.kind.single} {rows[0].name} was not changed.")
                    return
                args = {**self.arguments(KubeObjectEdit.name), "before": before, "edited": edited}
                try:
                    await run_plan(app, KubeObjectEdit, self.targets(), args, asked=False)
                    return
                except InvalidInput as error:
                    given = editing.again(edited, f"{error.message} {error.hint}".strip())
        except Conflict as error:
            app.announce(f"{error.message} {error.hint}".strip(), "warn")
        except EdgewrightError as error:
            app.announce(f"{error.message} {error.hint}".strip(), "bad")

    async def action_scale_object(self) -> None:
        """Ask how many pods the marked deployments or sets are to have, or the one under the cursor."""
        app: Any = self.app
        rows = [row for row in self.rows_pointed_at() if isinstance(row, DeploymentRow)]
        if not self._may(KubeObjectScale):
            return
        if not rows or self.kind.view == "daemonsets":
            app.refuse("A daemon set has one pod on each node that it selects." if rows else "Choose one first.")
            return
        title = f"Scale {self.kind.single} {rows[0].uid}" if len(rows) == 1 else f"Scale {len(rows)} of them"
        now = str(rows[0].wanted) if len(rows) == 1 else ""
        field = Field("replicas", "pods", f"how many; {now or 'different numbers'} now", now, True, check=_problem)
        answers = await app.ask(FormModal(title, [field], go="Scale"))
        if not answers:
            return
        args = {**self.arguments(KubeObjectScale.name), "objects": rows, "replicas": answers["replicas"]}
        try:
            await run_plan(app, KubeObjectScale, self.targets(), args, asked=True)
        except EdgewrightError as error:
            app.announce(f"{error.message} {error.hint}".strip(), "bad")


def _problem(text: str) -> str:
    try:
        replicas_of(text)
    except InvalidInput as error:
        return f"{error.message} {error.hint}"
    return ""
