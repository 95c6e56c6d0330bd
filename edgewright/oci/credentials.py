"""Credentials for registries from the files that other tools write: auth.json, config.json, helpers.

Read in the order of containers-auth.json(5): REGISTRY_AUTH_FILE alone when it is set; else the run-time folder's, the
configuration folder's, then Docker's. The longest name that fits wins, so that one registry can have several logins.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from edgewright.core.errors import Failed, InvalidInput
from edgewright.oci.reference import DOCKER_HUB

_HUB_KEYS = ("https://index.docker.io/v1/", "index.docker.io", "registry-1.docker.io", DOCKER_HUB)


class Login(NamedTuple):
    """A login: name and password, or an identity token; `source` is the file or helper that it came from."""

    user: str
    password: str
    identity_token: str
    source: str

    def __repr__(self) -> str:
        """Hide the secrets: this may land in a log."""
        return f"Login(user={self.user!r}, source={self.source!r})"


def files(environ: Mapping[str, str] | None = None) -> list[Path]:
    """Return the files that may contain credentials, in the order of reading."""
    env = os.environ if environ is None else environ
    if env.get("REGISTRY_AUTH_FILE"):
        return [Path(env["REGISTRY_AUTH_FILE"])]
    home = Path(env.get("HOME") or Path.home())
    run = env.get("XDG_RUNTIME_DIR")
    first = Path(run) / "containers/auth.json" if run else Path(f"/run/containers/{os.getuid()}/auth.json")
    config = Path(env.get("XDG_CONFIG_HOME") or home / ".config")
    docker = Path(env.get("DOCKER_CONFIG") or home / ".docker")
    return [first, config / "containers/auth.json", docker / "config.json"]


def find(registry: str, repository: str, environ: Mapping[str, str] | None = None) -> Login | None:
    """Return the login for a repository, or None when no file has one.

    Raises `InvalidInput` for a file that cannot be read as one, `Failed` when a credential helper does not work.
    """
    for path in files(environ):
        document = _read(path)
        if document is None:
            continue
        for key in _keys(registry, repository):
            login = _from_file(document, key, path, environ)
            if login is not None:
                return login
    return None


def _keys(registry: str, repository: str) -> list[str]:
    """Return the names under which a login may be stored, the most special first."""
    parts = repository.split("/")
    keys = [f"{registry}/{'/'.join(parts[:n])}" for n in range(len(parts), 0, -1)]
    hosts = list(_HUB_KEYS) if registry == DOCKER_HUB else [registry]
    return keys + hosts + [f"https://{host}" for host in hosts if "//" not in host]


def _read(path: Path) -> dict[str, Any] | None:
    try:
        document = json.loads(path.read_text("utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        return None  # another user's: the next file may have it
    except (OSError, ValueError):
        raise InvalidInput(
            f"{path} cannot be read as a file of registry logins.", "Log in again to write it again."
        ) from None
    return document if isinstance(document, dict) else None


def _from_file(document: dict[str, Any], key: str, path: Path, environ: Mapping[str, str] | None) -> Login | None:
    helpers = document.get("credHelpers")
    helper = helpers.get(key) if isinstance(helpers, dict) else None
    if isinstance(helper, str) and helper:
        login = _ask(helper, key, environ)
        if login is not None:
            return login
    auths = document.get("auths")
    entry = auths.get(key) if isinstance(auths, dict) else None
    if isinstance(entry, dict):
        login = _entry(entry, key, path)
        if login is not None:
            return login
    store = document.get("credsStore")
    if isinstance(store, str) and store and "/" not in key.removeprefix("https://").rstrip("/"):
        return _ask(store, key, environ)
    return None


def _entry(entry: dict[str, Any], key: str, path: Path) -> Login | None:
    token = entry.get("identitytoken")
    token = token if isinstance(token, str) else ""
    auth = entry.get("auth")
    if isinstance(auth, str) and auth:
        try:
            user, colon, password = base64.b64decode(auth, validate=True).decode("utf-8").partition(":")
        except ValueError:
            raise InvalidInput(f"The login of {key} in {path} is damaged.", "Log in again to write it again.") from None
        if colon:
            return Login(user, password.rstrip("\0"), token, str(path))
    name, secret = entry.get("username"), entry.get("password")
    if isinstance(name, str) and isinstance(secret, str) and name:
        return Login(name, secret, token, str(path))
    return Login("", "", token, str(path)) if token else None


def _ask(helper: str, key: str, environ: Mapping[str, str] | None) -> Login | None:
    """Ask a credential helper: the server on standard input, the login as JSON on standard output."""
    if not re.fullmatch(r"[A-Za-z0-9._-]+", helper):
        raise InvalidInput(
            f"{helper!r} is not a valid name of a credential helper.", "Look at credHelpers and credsStore."
        )
    env = dict(os.environ if environ is None else environ)
    program = shutil.which(f"docker-credential-{helper}", path=env.get("PATH"))
    if program is None:
        raise Failed(
            f"The login of {key} is stored by docker-credential-{helper}, which is not installed.",
            "Install it, or log in again with a file.",
        )
    try:
        done = subprocess.run(
            [program, "get"], input=key.encode(), capture_output=True, env=env, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        raise Failed(f"docker-credential-{helper} did not answer for {key}.", "Run it manually.") from None
    if done.returncode:
        message = (done.stdout + done.stderr).decode("utf-8", "replace").strip()
        if "not found" in message:
            return None
        raise Failed(f"docker-credential-{helper} has no login for {key}: {message[:200]}.", "Log in again.")
    try:
        answer = json.loads(done.stdout)
        user, secret = str(answer["Username"]), str(answer["Secret"])
    except (ValueError, KeyError, TypeError):
        raise Failed(f"docker-credential-{helper} gave no login for {key}.", "Log in again.") from None
    source = f"docker-credential-{helper}"
    return Login("", "", secret, source) if user == "<token>" else Login(user, secret, "", source)
