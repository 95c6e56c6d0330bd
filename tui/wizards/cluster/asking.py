"""What the cluster wizard asks hosts and plane in the background: profiles, preflights, the plane's own check."""

from __future__ import annotations

import asyncio
from importlib import import_module

from textual import work

from edgewright.core.errors import EdgewrightError, TimedOut, Unreachable
from tui.frame.fetch import sentence
from tui.wizards.cluster.page import ClusterWizardPage
from tui.wizards.cluster.wizard_state import HostResult

API = "edgewright.commands.cluster.wizard_api"
AT_A_TIME = 8
"""Hosts that are asked for a preflight at the same time."""


class AsksPlane(ClusterWizardPage):
    """Asks; what comes back is put into the state, and the page in front is shown again."""

    def begin(self) -> None:
        """Know nothing yet."""
        super().begin()
        self._contents: dict[str, object] = {}
        self._preflights = 0
        self._checked: object = None

    async def import_api(self) -> None:
        """Import what reads YAML and profiles: it takes a moment, so a thread does it."""
        if self.api is None:
            self.api = await asyncio.to_thread(import_module, API)

    async def look(self) -> str:
        """Ask the plane what it has; returns why that failed, "" when it did not."""
        await self.import_api()
        try:
            self.plane, self.plane_problem = await self.api.look(self.plane_context()), ""
        except EdgewrightError as error:
            self.plane_problem = sentence(error)
            return self.plane_problem
        self._known = None
        self._forget_missing()
        return ""

    def _forget_missing(self) -> None:
        """Remove chosen profiles that the plane does not have any more (a draft from before)."""
        known = {entry.row.uid for entry in self.plane.profiles}
        state = self.wizard_state
        missing = [item for item in state.profiles if item["uid"] not in known]
        if missing:
            state.answers["profiles"] = [item for item in state.profiles if item["uid"] in known]
            names = ", ".join(f"{item['name']} {item['version']}" for item in missing)
            self.announce(f"The plane does not have the profile {names} any more; choose another one.", "warn")

    def ask_plane(self) -> None:
        """Ask the plane again, because it did not answer."""
        if self.plane is None:
            self.run_task("Asking the plane", self._ask_plane)

    async def _ask_plane(self) -> None:
        problem = await self.look()
        if problem:
            self.announce(problem, "bad")
        elif self.wizard_state.profiles:
            await self.know_profiles()

    # Profiles --------------------------------------------------------------------------------------------------------

    def open_variables(self) -> None:
        """Read the chosen profiles in the background, so that the next page has their variables."""
        self._read_profiles()

    @work(exclusive=True, group="wizard:profiles", exit_on_error=False)
    async def _read_profiles(self) -> None:
        try:
            await self.know_profiles()
        except EdgewrightError as error:
            self.announce(sentence(error), "warn")
        self.refresh_page()

    async def know_profiles(self) -> None:
        """Read the variables of the chosen profiles, and the networks that they give. Raises `EdgewrightError`."""
        state = self.wizard_state
        entries = {entry.row.uid: entry for entry in self.plane.profiles} if self.plane is not None else {}
        for item in list(state.profiles):
            uid = item["uid"]
            if uid not in self._contents and uid in entries:
                content = await self.api.content(self.plane_context(), entries[uid])
                self._contents[uid] = content
                state.variables[uid] = tuple(content.profile.variables)
        await self.know_networks()

    async def know_networks(self) -> None:
        """Resolve the Kubernetes layer of the infrastructure with the values so far."""
        state = self.wizard_state
        chosen = next((item["uid"] for item in state.profiles if item["kind"] != "add-on"), "")
        content = self._contents.get(chosen)
        values = {name: str(value) for name, value in (state.answers["variables"].get(chosen) or {}).items()}
        if content is not None:
            try:
                state.kubernetes = await asyncio.to_thread(self.api.kubernetes, content, values)
            except EdgewrightError as error:
                state.kubernetes = None
                self.announce(sentence(error), "warn")

    # Preflight -------------------------------------------------------------------------------------------------------

    def begin_preflight(self, again: bool = False) -> None:
        """Ask hosts for their checks, and the plane for its own; with `again` those too that have a result."""
        state = self.wizard_state
        if self.api is None:
            return
        hosts = state.hosts if again else state.unchecked()
        running = {uid for uid, result in state.results.items() if result.state == "running"}
        chosen = [host for host in hosts if host["uid"] not in running]
        for host in chosen:
            asked = (host["address"], host["nic"])
            state.results[host["uid"]] = HostResult("running", self.now, asked=asked)
        if chosen:
            self._preflight([dict(host) for host in chosen])
        self.check_plane(again)
        self.refresh_page()

    @work(group="wizard:preflight", exit_on_error=False)
    async def _preflight(self, hosts: list[dict[str, str]]) -> None:
        gate = asyncio.Semaphore(AT_A_TIME)
        await asyncio.gather(*(self._check_host(host, gate) for host in hosts))

    async def _check_host(self, host: dict[str, str], gate: asyncio.Semaphore) -> None:
        state, uid = self.wizard_state, host["uid"]
        asked = (host["address"], host["nic"])
        async with gate:
            began = self.now
            state.results[uid] = HostResult("running", began, asked=asked)
            row = self.session.store.model.hosts.get(uid)
            try:
                if row is None:
                    result = HostResult("error", began, message="It is not registered any more.", asked=asked)
                else:
                    waived = state.kubernetes.waived if state.kubernetes is not None else frozenset()
                    checks = await self.api.preflight(self.plane_context(), row, *asked, waived, lambda text: None)
                    result = HostResult("done", began, checks=tuple(checks), asked=asked)
            except EdgewrightError as error:
                result = HostResult("error", began, message=sentence(error), asked=asked)
            state.results[uid] = result._replace(took=max(self.now - began, 0.0))
        self.refresh_page()

    @property
    def preflight_runs(self) -> bool:
        """Return whether a host is being asked."""
        return any(result.state == "running" for result in self.wizard_state.results.values())

    # The plane's check -----------------------------------------------------------------------------------------------

    def check_plane(self, again: bool = False) -> None:
        """Let the plane check the cluster when nothing is missing; not twice for the same answers."""
        if self.api is None or self.wizard_state.problems or not self.wizard_state.hosts:
            return
        document = self.document(covered=False)
        if again or document != self._checked:
            self._checked = document
            self._check_plane()

    @work(exclusive=True, group="wizard:plane-check", exit_on_error=False)
    async def _check_plane(self) -> None:
        state, document = self.wizard_state, self._checked
        state.refused, state.unasked, state.accepted = (), "", None
        self.plane_doing = "The plane checks the cluster"
        self.refresh_page()
        refused: tuple[str, ...] = ()
        try:
            refused = tuple(await self.api.refusals(self.plane_context(), document))
        except (TimedOut, Unreachable) as error:
            state.unasked = sentence(error)
            self._checked = None  # it is asked again
        except EdgewrightError as error:
            refused = (sentence(error),)
            self._checked = None  # it is asked again
        finally:
            self.plane_doing = ""
        state.refused = refused
        state.accepted = None if refused or state.unasked else document  # type: ignore[assignment]
        self.refresh_page()
