"""What a build program reports, as one sentence with a next step."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from edgewright.core.errors import EdgewrightError, Failed, NotFound, Unreachable

RESUME = "What was built so far is stored: run the same command again, it continues there."

_DISK = re.compile(r"no space left on device|ENOSPC|disk quota exceeded", re.IGNORECASE)
_SUM = re.compile(r"checksum mismatch|SECURITY ERROR|hash sum mismatch|EINTEGRITY|verifying .*: invalid", re.IGNORECASE)
_ABSENT = re.compile(
    r"unknown revision|404 not found|410 gone|403 forbidden|: 404|E404|Unable to locate package|no matching versions",
    re.IGNORECASE,
)
_NETWORK = re.compile(
    r"dial tcp|no such host|connection refused|i/o timeout|could not resolve|temporary failure|network is unreachable|"
    r"ETIMEDOUT|ENOTFOUND|EAI_AGAIN|ECONNRE|TLS handshake|proxyconnect|connection timed out|Failed to fetch|"
    r"Cannot initiate the connection|context deadline exceeded|unexpected EOF|certificate signed by unknown",
    re.IGNORECASE,
)


def explain(what: str, lines: Sequence[str], folder: Path) -> EdgewrightError:
    """Return the error for a program that failed, from its output; `what` names the part, `folder` the cache."""
    for pattern, make in ((_DISK, _disk), (_SUM, _sum), (_ABSENT, _absent), (_NETWORK, _network)):
        for line in lines:
            if pattern.search(line):
                return make(what, _short(line), folder)
    last = next((line for line in reversed(lines) if line.strip()), "it printed nothing")
    return Failed(f"{what} could not be built: {_short(last)}", RESUME, "BuildFailed")


def disk_full(folder: Path, what: str = "The build") -> EdgewrightError:
    """Return the error for a disk without room."""
    return Failed(
        f"{what} stopped: the disk of {folder} is full.",
        "Free some space, or name another folder: EDGEWRIGHT_KUBERNETES_CACHE, and GOCACHE for Go. " + RESUME,
        "DiskFull",
    )


def _disk(what: str, line: str, folder: Path) -> EdgewrightError:
    return disk_full(folder, what)


def _sum(what: str, line: str, folder: Path) -> EdgewrightError:
    return Failed(
        f"{what} was refused, because a checksum does not match: {line}",
        "Do not use that file. Check the proxy or mirror that it came from, then run the same command again.",
        "ChecksumMismatch",
    )


def _absent(what: str, line: str, folder: Path) -> EdgewrightError:
    return NotFound(
        f"{what} is not in the package registry: {line}",
        "Check the version; `go list -m -versions MODULE` and `apt-cache policy PACKAGE` show those that exist.",
        "VersionNotFound",
    )


def _network(what: str, line: str, folder: Path) -> EdgewrightError:
    return Unreachable(
        f"{what} could not be fetched: {line}",
        "Check the network, and the proxies of the environment (GOPROXY, HTTPS_PROXY, apt's, npm's). " + RESUME,
    )


def _short(line: str) -> str:
    text = " ".join(line.split())
    return text if len(text) <= 300 else text[:297] + "..."
