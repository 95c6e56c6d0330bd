"""The closed set of directories whose files are shown, read and replaced; no other path is asked for on a host."""

from __future__ import annotations

from typing import NamedTuple

from edgewright.core.errors import InvalidInput, Refused
from edgewright.core.text import clean

MOST_PATH, MOST_NAME = 3000, 255
"""Bytes of a path, and of one name in it."""


class Place(NamedTuple):
    """One directory with everything below it. `secret`: its files may contain secrets; `writable`: uploads go there."""

    path: str
    what: str
    secret: bool = False
    writable: bool = False


PLACES: tuple[Place, ...] = (
    Place("/var/log", "logs of units, agent, upgrades, Kubernetes; downloads"),
    Place("/oem", "user-data, network, boot settings; survives a reset", True, True),
    Place("/usr/local/cloud-config", "persistent configuration, that of the cluster", True, True),
    Place("/run/stylus", "user-data as the installer copied it", True),
    Place("/opt/spectrocloud", "the agent's programs, content, support bundles", True, True),
    Place("/var/lib/spectro", "the agent's user-data on a host in agent mode", True, True),
    Place("/usr/local/spectrocloud", "content that hosts of a site share"),
    Place("/etc/spectrocloud", "hardware lookup tables", False, True),
    Place("/etc/edgewright", "settings of the Edgewright agent", True, True),
    Place("/var/lib/edgewright", "state of the Edgewright agent", True),
    Place("/etc/kubernetes", "kubeadm: manifests, kubeconfig files, certificates", True),
    Place("/etc/rancher", "K3s and RKE2: settings, registries, kubeconfig files", True),
    Place("/usr/local/.kairos", "state of the installation and of phone-home", True),
    Place("/run/immucore", "logs of the early boot"),
)
"""The paths of palette-features 11.2, and of forge 3, in the order in which they are needed."""


KNOWN: tuple[str, ...] = (
    "/var/log/stylus-upgrade.log",
    "/var/log/stylus-audit.log",
    "/var/log/kube-init.log",
    "/var/log/kube-join.log",
    "/var/log/kube-upgrade.log",
    "/oem/90_custom.yaml",
    "/oem/userdata",
    "/oem/grubenv",
)
"""Files that are looked at most (11.2): each can be opened without the list of its directory."""


class FilePath(NamedTuple):
    """A checked path: its place, the directory, and the name in it ("" for the place itself)."""

    place: Place
    directory: str
    name: str

    @property
    def path(self) -> str:
        """The entire path."""
        return f"{self.directory}/{self.name}" if self.name else self.directory


def file_path(text: str) -> FilePath:
    """Return a path of a host, checked before anything is dialled.

    A name may have any byte but NUL and a slash (line ends, escapes, bytes that are not UTF-8 as surrogates). Raises
    `InvalidInput` for a path that is relative, has `..`, or is too long, `Refused` for one outside the places.
    """
    shown = clean(text, 200)
    if not text.startswith("/") or "\0" in text:
        raise InvalidInput(
            f"{shown or 'The empty text'} is not a valid path.", "Give a path from / on: /var/log/syslog"
        )
    parts = [part for part in text.split("/") if part]
    if any(part in (".", "..") for part in parts):
        raise InvalidInput(f"{shown} has . or .. in it.", "Give the path itself.")
    try:
        sizes = [len(part.encode("utf-8", "surrogateescape")) for part in parts]
    except UnicodeEncodeError:
        raise InvalidInput(f"{shown} is not a valid path.", "Give it in UTF-8.") from None
    if sum(sizes) + len(sizes) > MOST_PATH or max(sizes, default=0) > MOST_NAME:
        raise InvalidInput(f"{shown} is too long.", f"At most {MOST_PATH} bytes, {MOST_NAME} in each name.")
    path = "/" + "/".join(parts)
    for place in PLACES:
        if path == place.path:
            return FilePath(place, path, "")
        if path.startswith(place.path + "/"):
            directory, _, name = path.rpartition("/")
            return FilePath(place, directory, name)
    listed = ", ".join(place.path for place in PLACES)
    raise Refused(f"{shown} is in none of the directories that are shown.", f"They are: {listed}.", "OutsidePlaces")


def inside(directory: str, name: str) -> str:
    """Return the path of an entry of a directory; the name came from a host. Raises `InvalidInput`."""
    if not name or "/" in name or name in (".", ".."):
        raise InvalidInput(f"{clean(name, 80)} is not a valid name.", "Read the directory again.")
    return f"{directory}/{name}"
