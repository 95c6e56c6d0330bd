"""Build Debian packages in dist/: `edgewright-hub` with its libraries, `edgewright-agent` with the agent's archive.

    python packaging/build_deb.py [--dist DIR] [--only hub|agent]

The same source, libraries and SOURCE_DATE_EPOCH give the same bytes. The hub's package is for the
Python that runs here.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from edgewright import __version__  # noqa: E402 - the source tree beside this script
from edgewright.agent.install import archive  # noqa: E402
from edgewright.forge.hubimage import contents  # noqa: E402

EPOCH = 1767225600
"""2026-01-01, the time of the files in the agent's archive."""
HERE = ROOT / "packaging" / "debian"
MAINTAINER = "Edgewright <edgewright@localhost>"
LIBRARIES = "usr/lib/edgewright-hub"


def debian_version(version: str = __version__) -> str:
    """Return a version as Debian orders it: 0.2.0.dev0 becomes 0.2.0~dev0, which is before 0.2.0."""
    return re.sub(r"\.?(dev|a|b|rc)(?=\d)", r"~\1", version, count=1)


class Package(NamedTuple):
    """One package: fields of its control file, files by path, and the configuration files among them."""

    name: str
    architecture: str
    depends: str
    summary: str
    text: str
    files: Mapping[str, tuple[bytes, int]]
    conffiles: tuple[str, ...] = ()


def hub_package() -> Package:
    """Return the package of the hub. Raises `EdgewrightError` when a library is not installed."""
    files: dict[str, tuple[bytes, int]] = {}
    for library in contents.libraries():
        files.update({f"{LIBRARIES}/{path}": (source.read_bytes(), 0o644) for path, source in library.files.items()})
    for path, source in contents.own_files().items():
        files[f"{LIBRARIES}/edgewright/{path}"] = source.read_bytes(), 0o644
    python = contents.python_name()
    start = f"#!/bin/sh\nexport PYTHONPATH=/{LIBRARIES} PYTHONDONTWRITEBYTECODE=1\n"
    start += f'exec /usr/bin/{python} -m edgewright.hub.process.cli "$@"\n'
    files["usr/bin/edgewright-hub"] = start.encode(), 0o755
    unit = (ROOT / "deploy" / "systemd" / "edgewright-hub.service").read_bytes()
    files["lib/systemd/system/edgewright-hub.service"] = unit, 0o644
    files["etc/default/edgewright-hub"] = (HERE / "edgewright-hub.default").read_bytes(), 0o644
    files["usr/share/doc/edgewright-hub/examples/postgresql.conf"] = (HERE / "postgresql.conf").read_bytes(), 0o644
    return Package(
        "edgewright-hub", _architecture(), f"{python}, adduser, libc6 (>= 2.28)",
        "management plane for fleets of edge hosts",
        "The hub registers edge hosts, shows their health and changes their configuration.\n"
        "Its libraries are in a directory of its own.",
        files, ("/etc/default/edgewright-hub",),
    )  # fmt: skip


def agent_package() -> Package:
    """Return the package of the agent: the archive for Python 3.9 and later."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "agent.pyz"
        archive.build(str(path), str(ROOT / "edgewright"))
        program = path.read_bytes()
    start = b'#!/bin/sh\nexec /usr/bin/python3 /usr/share/edgewright-agent/edgewright-agent.pyz "$@"\n'
    files = {
        "usr/share/edgewright-agent/edgewright-agent.pyz": (program, 0o755),
        "usr/bin/edgewright-agent": (start, 0o755),
    }
    return Package(
        "edgewright-agent", "all", "python3 (>= 3.9)",
        "agent of an edge host for the Edgewright management plane",
        "Register this host with: edgewright-agent install --endpoint URL --token-file FILE --ca FILE\n"
        "That writes the units; removing the package removes them.",
        files,
    )  # fmt: skip


def _architecture() -> str:
    done = subprocess.run(["dpkg", "--print-architecture"], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def build(package: Package, dist: Path, epoch: int) -> Path:
    """Write the package and return its path. Raises `OSError`, `CalledProcessError`."""
    files = dict(package.files)
    documents = f"usr/share/doc/{package.name}"
    files[f"{documents}/copyright"] = (HERE / "copyright").read_bytes(), 0o644
    log = f"{package.name} ({debian_version()}) unstable; urgency=medium\n\n  * See CHANGELOG.md of Edgewright.\n"
    log += f"\n -- {MAINTAINER}  Thu, 01 Jan 2026 00:00:00 +0000\n"
    files[f"{documents}/changelog.gz"] = gzip.compress(log.encode(), 9, mtime=0), 0o644
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        for path, (data, mode) in files.items():
            target = root / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
            target.chmod(mode)
        _control(package, files, root / "DEBIAN")
        for item in [root, *root.rglob("*")]:
            if item.is_dir():
                item.chmod(0o755)
            os.utime(item, (epoch, epoch))
        dist.mkdir(parents=True, exist_ok=True)
        result = dist / f"{package.name}_{debian_version()}_{package.architecture}.deb"
        command = [
            "dpkg-deb",
            "--root-owner-group",
            "--uniform-compression",
            "-Zxz",
            "-z3",
            "--build",
            str(root),
            str(result),
        ]
        environment = {**os.environ, "SOURCE_DATE_EPOCH": str(epoch)}
        subprocess.run(command, check=True, capture_output=True, env=environment)
    return result


def _control(package: Package, files: Mapping[str, tuple[bytes, int]], folder: Path) -> None:
    folder.mkdir(mode=0o755)
    text = "\n".join(f" {line}" for line in package.text.splitlines())
    size = sum(len(data) for data, _ in files.values()) // 1024 + 1
    control = (
        f"Package: {package.name}\nVersion: {debian_version()}\nSection: admin\nPriority: optional\n"
        f"Architecture: {package.architecture}\nDepends: {package.depends}\nInstalled-Size: {size}\n"
        f"Maintainer: {MAINTAINER}\nDescription: {package.summary}\n{text}\n"
    )
    (folder / "control").write_text(control)
    sums = [
        f"{hashlib.md5(data, usedforsecurity=False).hexdigest()}  {path}" for path, (data, _) in sorted(files.items())
    ]
    (folder / "md5sums").write_text("\n".join(sums) + "\n")
    if package.conffiles:
        (folder / "conffiles").write_text("".join(f"{path}\n" for path in package.conffiles))
    for script in ("postinst", "prerm", "postrm"):
        source = HERE / f"{package.name}.{script}"
        if source.exists():
            shutil.copyfile(source, folder / script)
            (folder / script).chmod(0o755)


def complaints(package: Package) -> list[str]:
    """Return what lintian would call an error: modes, places, words of the description."""
    result = [
        f"{path}: not below /usr, /lib or /etc" for path in package.files if not re.match(r"(usr|lib|etc)/", path)
    ]
    result += [f"{path}: compiled module" for path in package.files if path.endswith(".pyc")]
    result += [f"{path}: writable by others" for path, (_, mode) in package.files.items() if mode & 0o022]
    result += [
        f"/{p}: not a conffile" for p in package.files if p.startswith("etc/") and f"/{p}" not in package.conffiles
    ]
    if len(package.summary) > 80 or package.summary.endswith(".") or package.summary.startswith(package.name):
        result.append("the synopsis is too long, a sentence, or begins with the name")
    return result


def main() -> int:
    """Build what was asked for and print each file with its size and digest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dist", type=Path, default=ROOT / "dist")
    parser.add_argument("--only", choices=("hub", "agent"))
    options = parser.parse_args()
    makers = {"hub": hub_package, "agent": agent_package}
    for name, make in makers.items():
        if options.only in (None, name):
            package = make()
            if problems := complaints(package):
                print("\n".join(problems), file=sys.stderr)  # noqa: T201
                return 1
            path = build(package, options.dist, int(os.environ.get("SOURCE_DATE_EPOCH", EPOCH)))
            data = path.read_bytes()
            print(f"{path}  {len(data) / 1e6:.2f} MB  sha256 {hashlib.sha256(data).hexdigest()}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
