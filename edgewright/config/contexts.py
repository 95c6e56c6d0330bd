"""Contexts: which planes the user works with, as kubectl's. `contexts.toml` (0600); keys are stored apart from it."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from edgewright.config import credentials, locations, tomlfile
from edgewright.config.nearest import suggestion
from edgewright.core.errors import InvalidInput, NotFound
from edgewright.core.small_file import local_path

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
FIELDS = ("url", "ca", "project", "read_only", "key", "local_hub", "hosts_url", "also")


@dataclass(frozen=True)
class Context:
    """One plane: address, certificate authority, project and where its key is stored.

    `key` is `keyring`, `file` (both by the context's name) or `path:FILE` for a key that stays in a file of the user.
    """

    name: str
    url: str
    ca: str = ""
    project: str = ""
    read_only: bool = False
    key: str = "file"
    local_hub: str = ""
    """Data folder of the hub that this program started for it, if it did."""
    hosts_url: str = ""
    """The address by which hosts reach the plane, where it is not `url`."""

    also: str = ""
    """Further addresses of the same plane, separated by spaces: other hubs on its database."""

    @property
    def addresses(self) -> str:
        """Return all addresses as `Transport` takes them, the first one first."""
        return ",".join((self.url, *self.also.split()))

    @property
    def address_for_hosts(self) -> str:
        """Return the address that goes into installers and install commands."""
        return self.hosts_url or self.url

    def api_key(self) -> str:
        """Return the API key. Raises `EdgewrightError` when it cannot be had."""
        if self.key.startswith("path:"):
            return credentials.read_key_file(self.key[5:])
        return credentials.fetch(self.name, self.key)

    def ca_path(self) -> Path | None:
        """Return the CA file, or None for the system's. Raises `NotFound` if it is missing."""
        if not self.ca:
            return None
        path = local_path(self.ca)
        if not path.is_file():
            raise NotFound(
                f"The certificate authority file {path} of context {self.name} is not there.",
                "Name it again: edgewright context add NAME --ca FILE, or EDGEWRIGHT_CA.",
            )
        return path


@dataclass(frozen=True)
class Contexts:
    """All contexts and the name of the one in use."""

    items: Mapping[str, Context]
    current: str = ""

    def choose(self, name: str = "", environment: Mapping[str, str] | None = None) -> Context | None:
        """Return the context to work with: `name`, EDGEWRIGHT_CONTEXT, EDGEWRIGHT_URL, the one in use, the only one.

        None when there is nothing to choose from. Raises `NotFound` for a name that is not there.
        """
        environment = os.environ if environment is None else environment
        wanted = name or environment.get("EDGEWRIGHT_CONTEXT", "")
        if wanted:
            return self.get(wanted)
        if environment.get("EDGEWRIGHT_URL"):
            return from_environment(environment)
        if self.current:
            return self.get(self.current)
        return next(iter(self.items.values())) if len(self.items) == 1 else None

    def get(self, name: str) -> Context:
        """Return a context by name. Raises `NotFound`."""
        if name in self.items:
            return self.items[name]
        raise NotFound(
            f"There is no context {name}{suggestion(name, self.items)}.", "See them: edgewright context list"
        )


def check_url(url: str) -> str:
    """Return an address of a plane without a slash at its end. Raises `InvalidInput`."""
    match = re.fullmatch(r"(https?)://([^/\s?#]+)(/[^\s?#]*)?", url.strip())
    if not match or "@" in match.group(2):
        raise InvalidInput(f"{url} is not an address of a plane.", "Write it like https://10.4.0.2:8443")
    if match.group(1) == "http" and match.group(2).rsplit(":", 1)[0] not in ("127.0.0.1", "localhost", "[::1]"):
        raise InvalidInput(f"{url} would send the key without encryption.", "Use https.")
    return url.strip().rstrip("/")


def check_urls(text: str) -> tuple[str, str]:
    """Return the first address and the further ones of a text with commas. Raises `InvalidInput`."""
    first, *others = (check_url(each) for each in text.split(","))
    return first, " ".join(dict.fromkeys(each for each in others if each != first))


def from_environment(environment: Mapping[str, str]) -> Context:
    """Return the context that EDGEWRIGHT_URL, EDGEWRIGHT_API_KEY_FILE and EDGEWRIGHT_CA describe.

    Raises `InvalidInput` when there is an address and no key.
    """
    key = environment.get("EDGEWRIGHT_API_KEY_FILE", "")
    if not key:
        raise InvalidInput("EDGEWRIGHT_URL is set, but EDGEWRIGHT_API_KEY_FILE is not.", "Set both, or neither.")
    url, also = check_urls(environment["EDGEWRIGHT_URL"])
    return Context(
        "environment",
        url,
        also=also,
        ca=environment.get("EDGEWRIGHT_CA", ""),
        project=environment.get("EDGEWRIGHT_PROJECT", ""),
        key=f"path:{key}",
    )


def path_of_file() -> Path:
    """Return where the contexts are stored."""
    return locations.config_file("contexts.toml")


def load() -> Contexts:
    """Return all contexts. Raises `InvalidInput` naming file and line, `Refused` when others can read the file."""
    path = path_of_file()
    text = locations.read_private(path)
    if text is None:
        return Contexts({})
    reported = tomlfile.parse(text, path)
    for key in reported:
        if key not in ("current", "contexts"):
            near = suggestion(key, ("current", "contexts"))
            raise InvalidInput(f"{path}, line {tomlfile.line_of(text, key)}: there is no key `{key}`{near}.")
    tables = reported.get("contexts", {})
    if not isinstance(tables, dict):
        raise InvalidInput(f"{path}: `contexts` is a table.")
    items = {name: _read_context(path, text, name, table) for name, table in tables.items()}
    current = reported.get("current", "")
    return Contexts(items, current if current in items else "")


def _read_context(path: Path, text: str, name: str, table: object) -> Context:
    line = tomlfile.line_of(text, "", f"contexts.{name}")
    if not isinstance(table, dict) or not isinstance(table.get("url"), str):
        raise InvalidInput(f"{path}, line {line}: context {name} has no url.")
    for key, value in table.items():
        at = tomlfile.line_of(text, key, f"contexts.{name}")
        if key not in FIELDS:
            raise InvalidInput(f"{path}, line {at}: a context has no `{key}`{suggestion(key, FIELDS)}.")
        if not isinstance(value, bool if key == "read_only" else str):
            raise InvalidInput(f"{path}, line {at}: `{key}` cannot be {value!r}.")
    wrong = "url"
    try:
        url = check_url(table["url"])
        wrong = "also"
        for each in table.get("also", "").split():
            check_url(each)
    except InvalidInput as error:
        at = tomlfile.line_of(text, wrong, f"contexts.{name}")
        raise InvalidInput(f"{path}, line {at}: {error.message}", error.hint) from None
    return Context(name=name, **{**table, "url": url})


def save(contexts: Contexts) -> None:
    """Write all contexts. Raises `Failed`."""
    tables = {
        item.name: {k: v for k in FIELDS if (v := getattr(item, k)) not in ("", False)}
        for item in contexts.items.values()
    }
    locations.write_private(path_of_file(), tomlfile.dump({"current": contexts.current, "contexts": tables}))


def check_name(name: str) -> None:
    """Raise `InvalidInput` for a text that cannot be the name of a context."""
    if not NAME.fullmatch(name):
        raise InvalidInput(f"{name!r} cannot be the name of a context.", "Use letters, digits, dot, dash; at most 63.")


def add(context: Context, key: str, *, use_keyring: bool = True, make_current: bool = True) -> Context:
    """Remember a context and its key; one of the same name is replaced. Raises `InvalidInput` for a bad name."""
    check_name(context.name)
    known = load()
    if context.ca:
        source = local_path(context.ca)
        stored = locations.folder("config") / "ca" / f"{context.name}.crt"
        if source.absolute() != stored:
            try:
                locations.write_private(stored, source.read_bytes())
            except OSError as error:
                raise NotFound(f"The certificate authority file {source} cannot be read: {error.strerror}.") from None
        context = replace(context, ca=str(stored))
    context = replace(context, url=check_url(context.url), key=credentials.store(context.name, key, use_keyring))
    items = {**known.items, context.name: context}
    save(Contexts(items, context.name if make_current or not known.current else known.current))
    return context


def use(name: str) -> Context:
    """Make a context the one in use. Raises `NotFound`."""
    known = load()
    context = known.get(name)
    save(Contexts(known.items, name))
    return context


def set_project(name: str, project: str) -> Context:
    """Remember the project that a context works in ("" for all). Raises `NotFound`."""
    known = load()
    context = replace(known.get(name), project=project)
    save(Contexts({**known.items, name: context}, known.current))
    return context


def remove(name: str) -> None:
    """Forget a context and its key. Raises `NotFound`."""
    known = load()
    context = known.get(name)
    items = {k: v for k, v in known.items.items() if k != name}
    save(Contexts(items, "" if known.current == name else known.current))
    credentials.forget(name, context.key)
    (locations.folder("config") / "ca" / f"{name}.crt").unlink(missing_ok=True)
