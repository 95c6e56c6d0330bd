"""Read the kubeconfig of a host: one constant script, one round trip; what it prints stays in memory.

The first file that has the rights of an admin counts. Without one, that of the kubelet with the files that it names
and, on every host, what shows whose neighbour it is. No name or path comes from outside: the files are a closed list.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

from edgewright.clients.ssh.ports import CanRunScript
from edgewright.clients.ssh.probes.shell import MARKER, quoted
from edgewright.core.doctor.depths import ADMIN as ADMIN
from edgewright.core.doctor.depths import KUBELET as KUBELET
from edgewright.core.errors import Failed, Refused

_PKI: tuple[str, ...] = (
    "/var/lib/kubelet/pki/kubelet-client-current.pem",
    "/etc/kubernetes/pki/ca.crt",
    *(
        f"/var/lib/rancher/{name}/agent/{file}"
        for name in ("k3s", "rke2")
        for file in ("client-kubelet.crt", "client-kubelet.key", "server-ca.crt")
    ),
)
"""Files that the kubeconfig of a kubelet names instead of containing them."""
MAX_FILE = 131_072
"""Bytes of one file; a kubeconfig has some 6,000."""
WITHIN = 15.0
_MOST_FILES = 8

_SCRIPT = r"""
main() {
umask 077
LC_ALL=C; export LC_ALL
if [ "$(printf abcd | head -c 2 2>/dev/null)" = ab ]; then
  limit() { head -c "$1"; }
else
  limit() { dd bs=1 count="$1" 2>/dev/null; }
fi
shut() {
  d=$1
  while d=${d%/*}; [ -n "$d" ]; do
    [ -d "$d" ] && { [ ! -x "$d" ]; return; }
  done
  return 1
}
give() {
  [ -f "$1" ] || { shut "$1" && printf '\n%s closed %s\n' "$M" "$1"; return 1; }
  [ -r "$1" ] || { printf '\n%s closed %s\n' "$M" "$1"; return 1; }
  [ -s "$1" ] || return 1
  printf '\n%s file %s\n' "$M" "$1"
  limit %(size)d <"$1"
}
for f in %(admin)s; do
  give "$f" && { printf '\n%s done\n' "$M"; return; }
done
for f in %(kubelet)s; do
  give "$f" && { for p in %(pki)s; do give "$p"; done; break; }
done
printf '\n%s done\n' "$M"
}
main
exit 0
"""


class HostFiles(NamedTuple):
    """Files of a host by path, and those that the user may not read: they are there, or in a folder that is closed."""

    content: dict[str, str]
    closed: tuple[str, ...]

    def __repr__(self) -> str:
        """Name the files; what they contain is in no traceback."""
        return f"HostFiles({sorted(self.content)}, {self.closed})"


def script(marker: str) -> bytes:
    """Return the script. Raises `ValueError` for a marker that is not 32 hex digits."""
    if MARKER.fullmatch(marker) is None:
        raise ValueError("a marker is 32 hex digits")
    lists = {
        name: " ".join(map(quoted, paths)) for name, paths in (("admin", ADMIN), ("kubelet", KUBELET), ("pki", _PKI))
    }
    body = _SCRIPT
    for name, text in {**lists, "size": str(MAX_FILE)}.items():
        body = body.replace(f"%({name})s", text).replace(f"%({name})d", text)
    return f"M={marker}\n{body}".encode()


async def read_files(connection: CanRunScript) -> HostFiles:
    """Return the files, read as root where `sudo -n` lets it, else as the user.

    Raises `Refused` where nothing can be read without `sudo`, `Failed`, and what `run_script` raises.
    """
    try:
        return await _read(connection, sudo=True)
    except Refused as refused:
        files = await _read(connection, sudo=False)
        if not files.content and files.closed:
            raise refused from None
        return files


async def _read(connection: CanRunScript, *, sudo: bool) -> HostFiles:
    marker = secrets.token_hex(16)
    limit = _MOST_FILES * (MAX_FILE + 512)
    result = await connection.run_script(script(marker), timeout=WITHIN, limit=limit, sudo=sudo)
    files = parse(result.output, marker)
    if files is None:
        raise Failed("The host did not give its kubeconfig: the script ended early.", "Try again, or open a shell.")
    return files


def parse(output: bytes, marker: str) -> HostFiles | None:
    """Return what a script printed, None where its end is missing."""
    content: dict[str, str] = {}
    closed: list[str] = []
    known = {*ADMIN, *KUBELET, *_PKI}
    complete = False
    for part in (b"\n" + output).split(b"\n" + marker.encode() + b" ")[1:]:
        head, _, body = part.partition(b"\n")
        verb, _, path = head.decode("utf-8", "replace").partition(" ")
        if verb == "done":
            complete = True
        elif path not in known:
            continue
        elif verb == "file":
            content[path] = body[:MAX_FILE].decode("utf-8", "replace")
        elif verb == "closed":
            closed.append(path)
    return HostFiles(content, tuple(closed)) if complete else None
