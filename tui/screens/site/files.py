"""Files of a site: the closed set of directories, what is in them, and the ways to copy a file here or replace one."""

from __future__ import annotations

from collections.abc import Sequence
from heapq import nsmallest
from pathlib import Path
from typing import Any, ClassVar

from textual import events, on, work

from edgewright.commands.kernel.base import Plan, Scope
from edgewright.commands.site.files.views import FilePath, Listing, file_path, folder, inside
from edgewright.commands.site.opened import unread
from edgewright.commands.site.page_verbs import SiteGet, SitePut
from edgewright.commands.site.sizes import size_of
from edgewright.core.errors import EdgewrightError, TimedOut
from edgewright.core.slow_files import glance
from edgewright.core.small_file import local_path
from edgewright.core.text import amount
from tui.frame.links import open_key
from tui.modals.confirm import ConfirmModal
from tui.screens.site.base import SiteScreen
from tui.screens.site.files_content import (
    ENTRY,
    FILE,
    PLACE,
    UP,
    folder_lines,
    place_lines,
    shown_name,
    shown_path,
    state_lines,
)  # fmt: skip
from tui.verbs.bindings import move_bindings
from tui.verbs.verbs import run_plan
from tui.widgets.line_view import LineView
from tui.widgets.lines import Line, clip_line, line
from tui.widgets.prompt import Asking


class SiteFilesScreen(SiteScreen):
    """One directory at a time; without a path, the places."""

    scope: ClassVar[Scope] = "site-files"
    view = "site-files"
    BINDINGS = move_bindings({"nav-back": "up_or_leave"})

    def compose_body(self) -> Any:
        """Yield the lines."""
        yield LineView(id="files")

    def begin(self) -> None:
        """Show the places: nothing is read before one is chosen."""
        super().begin()
        self.path = ""
        self._listing: Listing | None = None
        self._read_at: float | None = None
        self._reading_since: float | None = None
        self._problem = ""
        self._cursors: dict[str, str] = {}
        self._histories: dict[str, list[str]] = {"get": [], "put": []}
        self.query_one("#files").focus()
        self.select()

    @property
    def crumb(self) -> str:
        """Name the directory."""
        return f"Files {shown_path(self.path)}".strip()

    def count(self) -> str:
        """Return how many entries there are, how much is free, and the age of what is old."""
        listing = self._listing
        if listing is None:
            return ""
        free = "" if listing.free is None else f", {size_of(listing.free)} free"
        age = f", read {int(self.now - self._read_at)}s ago" if self.stale and self._read_at is not None else ""
        more = " and more" if listing.cut else ""
        return f"{amount(len(listing.entries), 'entry', 'entries')}{more}{free}{age}"

    def working_hints(self) -> tuple[str, ...]:
        """Return what works on the line under the cursor."""
        hints = ["nav-open=open"]
        if self._file() is not None:
            hints.append("site-get")
        if self._listing is not None and not self.stale and file_path(self.path).place.writable:
            hints.append("site-put=replace" if self._file() is not None else "site-put=store here")
        return (*hints, "nav-back=up", *self.again_hint)

    def select(self) -> None:
        """Show the directory as it was read last."""
        if not self.is_there or not self.size.width:
            return
        view = self.query_one("#files", LineView)
        width = view.room or self.size.width
        lines: list[Line] = []
        if self.no_site:
            lines.append(line(("‼ ", "warn"), self.no_site))
        lines += state_lines(self._since(), self._problem, width)
        if not self.path:
            lines += place_lines(width)
        elif self._listing is not None:
            lines += folder_lines(self._listing, width)
        else:
            lines.append(line(("..", "accent"), key=UP))
        view.set_lines([clip_line(row, width) for row in lines])
        view.set_dimmed(self.stale and self._listing is not None)

    def _since(self) -> float | None:
        return None if self._reading_since is None else self.now - self._reading_since

    def tick(self) -> None:
        """Show the ages as they are now."""
        if self._reading_since is not None or self.stale:
            self.select()

    def on_resize(self, event: events.Resize) -> None:
        """Draw it again in the new width."""
        self.call_after_refresh(self.select)

    # Reading ------------------------------------------------------------------------------------------------------

    def open_folder(self, path: str) -> None:
        """Show another directory; "" are the places."""
        view = self.query_one("#files", LineView)
        self._cursors[self.path] = view.cursor_key
        self.path, self._listing, self._problem = path, None, ""
        if path:
            self.read_again()
        else:
            self.workers.cancel_group(self, "site:files")
            self._reading_since = None
            self._shown_again()

    def read_again(self) -> None:
        """Read the directory."""
        if self.path and self.site is not None:
            self._read(self.path)

    @work(group="site:files", exclusive=True, exit_on_error=False)
    async def _read(self, path: str) -> None:
        site = self.site
        if site is None:
            return
        since = self._reading_since = self.now
        self._problem = ""
        self.select()
        try:
            listing = await folder(site, path)
            if path == self.path:
                self._listing, self._read_at = listing, self.now
        except EdgewrightError as error:
            if path == self.path:
                self._problem = unread(error)
        finally:
            if self._reading_since == since:
                self._reading_since = None
            if path == self.path and self.is_there:
                self._shown_again()

    def _shown_again(self) -> None:
        self.select()
        key = self._cursors.get(self.path)
        if key:
            self.query_one("#files", LineView).point_at(key)
        self.show_frame()

    # What is done -------------------------------------------------------------------------------------------------

    def action_up_or_leave(self) -> None:
        """Stop a reading; else go one directory up, from the places back to Doctor."""
        if self._reading_since is not None:
            self.workers.cancel_group(self, "site:files")
            self._reading_since, self._problem = None, "Stopped."
            self._shown_again()
        elif not self.path:
            self.leave()
        else:
            at = file_path(self.path)
            self.open_folder(at.directory if at.name else "")

    @on(LineView.Pointed)
    def _pointed(self) -> None:
        self.show_frame()

    @on(LineView.Chosen)
    def _chosen(self, event: LineView.Chosen) -> None:
        if event.key == UP:
            self.action_up_or_leave()
        elif event.key.startswith(PLACE):
            self.open_folder(event.key.removeprefix(PLACE))
        elif event.key.startswith(FILE):
            if self.site is not None:
                open_key(self.app, f"site-file/{self.site.target}/{event.key.removeprefix(FILE)}")
        elif (path := self._path_of(event.key)) is not None:
            kind = self._kind_of(event.key)
            if kind in ("folder", "link"):
                self.open_folder(path)
            elif kind == "file" and self.site is not None:
                open_key(self.app, f"site-file/{self.site.target}/{path}")
            else:
                self.refuse_here("This is a device, a pipe or a socket.")

    def _number(self, key: str) -> int | None:
        number = key.removeprefix(ENTRY)
        there = self._listing is not None and key.startswith(ENTRY) and number.isdecimal()
        return int(number) if there and self._listing is not None and int(number) < len(self._listing.entries) else None

    def _kind_of(self, key: str) -> str:
        number = self._number(key)
        return "" if number is None or self._listing is None else self._listing.entries[number].kind

    def _path_of(self, key: str) -> str | None:
        number = self._number(key)
        if number is None or self._listing is None:
            return None
        try:
            return inside(self.path, self._listing.entries[number].name)
        except EdgewrightError:
            return None

    def _file(self) -> str | None:
        """Return the path of the file under the cursor."""
        key = self.query_one("#files", LineView).cursor_key
        return self._path_of(key) if self._kind_of(key) == "file" else None

    def action_site_get(self) -> None:
        """Ask where the copy of the file under the cursor goes."""
        path = self._file()
        if path is None:
            self.refuse_here("Choose a file first.")
        elif self.stale:
            self.refuse_here("There is no connection: the file cannot be copied.")
        else:
            self._asked = file_path(path)
            self.ask(Asking("get", "copy to: ", f"{Path.cwd()}/", judge=_local, history=self._histories["get"]))

    def action_site_put(self) -> None:
        """Ask which file of this machine replaces the one under the cursor, or is stored in this directory."""
        if reason := self.session.refusal(SitePut):
            self.refuse_here(reason)
        elif self._listing is None or self.stale:
            self.refuse_here("Open a directory first." if not self.stale else "There is no connection.")
        elif not file_path(self.path).place.writable:
            self.refuse_here(f"Files below {file_path(self.path).place.path} are not replaced: use the shell.")
        else:
            self._asked = file_path(self._file() or self.path)
            what = f"replace {shown_name(self._asked.name)} by" if self._file() else "store here"
            self.ask(Asking("put", f"{what}, file: ", f"{Path.cwd()}/", judge=_local, complete=_paths,
                            history=self._histories["put"]))  # fmt: skip

    _asked: FilePath | None = None

    def prompt_answered(self, kind: str, text: str) -> None:
        """Copy, or replace."""
        if self._asked is not None and text and kind in ("get", "put"):
            self._do(kind, self._asked, text)

    @work(group="site:file", exclusive=True, exit_on_error=False)
    async def _do(self, kind: str, at: FilePath, local: str) -> None:
        site, app = self.site, self.app
        if site is None:
            return
        args: dict[str, Any] = {"site": site, "target": site.target, "path": at.path}
        try:
            if kind == "put":
                await run_plan(app, SitePut, (), {**args, "file": local}, asked=False)  # type: ignore[arg-type]
                self.read_again()
            elif not at.place.secret or await self._agreed(at, local):
                args = {**args, "out": local, "secrets": at.place.secret}
                await run_plan(app, SiteGet, (), args, asked=True)  # type: ignore[arg-type]
        except EdgewrightError as error:
            self.announce_here(f"{error.message} {error.hint}".strip(), "bad")

    async def _agreed(self, at: FilePath, local: str) -> bool:
        """Ask before secrets are written to this machine; Cancel is the default."""
        assert self.site is not None
        args = {"target": self.site.target, "path": at.path, "out": local, "secrets": True}
        lines = (
            "Files of this directory may contain secrets: tokens, passwords, keys.",
            "The view covers them; the copy has them in full, with mode 0600.",
        )
        plan = Plan(f"Copy {shown_name(at.name)} with its secrets", lines, (), (), SiteGet.cli_line((), args))
        app: Any = self.app
        return bool(await app.ask(ConfirmModal(plan, careful=True)))


def _local(text: str) -> Line:
    """Return what is known about a path of this machine, while it is typed."""
    return line((f"{text}: a path of this machine", "muted")) if text else line(("a path of this machine", "muted"))


def _paths(text: str) -> Sequence[str]:
    """Return the files and directories of this machine that begin with what was typed."""
    place = local_path(text)
    base, start = (place, "") if text.endswith("/") else (place.parent, place.name)
    try:
        return glance(lambda: _entries(base, start), str(base))
    except (OSError, TimedOut):
        return ()


def _entries(base: Path, start: str) -> list[str]:
    names = nsmallest(50, (path for path in base.iterdir() if path.name.startswith(start)))
    return [f"{path}/" if path.is_dir() else str(path) for path in names]
