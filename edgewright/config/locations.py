"""Where Edgewright stores its files: five folders per user, each 0700, every file 0600, every write complete.

`EDGEWRIGHT_HOME` puts all five under one folder (tests, portable installations); otherwise the platform's usual
places are taken (XDG on Linux).
"""

from __future__ import annotations

import contextlib
import os
import shlex
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import platformdirs

from edgewright.core.errors import Failed, InvalidInput, Refused
from edgewright.core.small_file import local_path

if TYPE_CHECKING:
    from edgewright.core.errors import Refused

Kind = Literal["config", "state", "cache", "data", "run"]


def folder(kind: Kind) -> Path:
    """Return the folder of one kind; it is not made."""
    home = os.environ.get("EDGEWRIGHT_HOME")
    if home:
        return local_path(home).absolute() / kind

    if kind == "run":
        return _run_folder()
    where = {
        "config": platformdirs.user_config_dir,
        "state": platformdirs.user_state_dir,
        "cache": platformdirs.user_cache_dir,
        "data": platformdirs.user_data_dir,
    }[kind]
    return Path(where("edgewright", appauthor=False))


def _run_folder() -> Path:
    """Return the folder for files of a running program: that of the session, else one in the user's state.

    A session folder counts when it is a directory of the user alone (XDG Base Directory Specification). Without one
    `platformdirs` warns on stderr and takes a place in `/tmp`, which another user can have made before.
    """
    for place in (os.environ.get("XDG_RUNTIME_DIR", ""), f"/run/user/{os.getuid()}"):
        with contextlib.suppress(OSError):
            state = Path(place).lstat()
            if place and stat.S_ISDIR(state.st_mode) and state.st_uid == os.getuid() and not state.st_mode & 0o077:
                return Path(place) / "edgewright"
    return folder("state") / "run"


def shown(path: Path) -> str:
    """Return a path for a message: short, with `~` for the home directory."""
    with contextlib.suppress(ValueError, RuntimeError):
        return f"~/{path.relative_to(Path.home())}"
    return str(path)


def config_file(name: str) -> Path:
    """Return the path of a file in the configuration folder, e.g. `settings.toml`."""
    return folder("config") / name


def ensure(path: Path) -> Path:
    """Make a folder that only the user can enter, and return it. Raises `Failed` when that cannot be done."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.stat().st_mode & 0o077 and path.stat().st_uid == os.getuid():
            path.chmod(0o700)
    except OSError as error:
        raise Failed(
            f"{path} cannot be made: {error.strerror or error}.",
            "Make it yourself, or set EDGEWRIGHT_HOME to a folder that you may write.",
        ) from None
    return path


def write_private(path: Path, content: str | bytes) -> None:
    """Write a file completely or not at all, readable by the user alone, on the disk when this returns.

    Raises `Failed` when it cannot be written; what was there before is then still there.
    """
    ensure(path.parent)
    data = content.encode() if isinstance(content, str) else content
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        with contextlib.suppress(OSError):
            Path(temporary).unlink()
        raise Failed(f"{path} cannot be written: {error.strerror or error}.", "Check space and rights.") from None


def _sync_folder(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def too_open(path: Path) -> Refused | None:
    """Return the refusal of a file that others can read, None for one that is closed to them. Raises `OSError`."""
    if path.stat().st_mode & 0o077:
        hint = f"Close it: chmod 600 {shlex.quote(str(path))}"
        return Refused(f"{path} can be read by others.", hint, code="FileTooOpen")
    return None


def read_private(path: Path) -> str | None:
    """Return the text of a file, or None when there is none.

    Raises `Refused` when others can read it (it contains a secret), `InvalidInput` when it is not text, `Failed` when
    it cannot be read.
    """
    try:
        refused = too_open(path)
        if refused is not None:
            raise refused
        return path.read_text("utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        raise InvalidInput(f"{path} is not text.", "Write it again.") from None
    except OSError as error:
        raise Failed(f"{path} cannot be read: {error.strerror or error}.", "Check its rights.") from None
