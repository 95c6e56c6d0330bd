"""Build the agent: `dist/edgewright-agent.pyz` for hosts with Python 3.9+, `dist/edgewright-agent` for those without.

The archive is the same byte for byte from the same source. The binary carries its own Python (PyInstaller, one file).
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from edgewright.agent.install import archive  # noqa: E402 - the source tree beside this script

UNUSED = """
    asyncio tkinter unittest pydoc doctest test distutils setuptools pip xmlrpc sqlite3 _sqlite3 multiprocessing
    concurrent curses _curses readline pdb lib2to3 ctypes _ctypes xml pyexpat _decimal decimal _lzma lzma _bz2
    bz2 tomllib _codecs_jp _codecs_cn _codecs_kr _codecs_tw _codecs_hk _codecs_iso2022 _multibytecodec
    _elementtree _uuid zoneinfo _zoneinfo smtplib ftplib
"""
"""Modules that the agent never imports; each would make the binary larger."""


def build_archive(dist: Path) -> Path:
    """Write the archive and return its path."""
    target = dist / "edgewright-agent.pyz"
    archive.build(str(target), str(ROOT / "edgewright"))
    return target


def build_binary(dist: Path) -> Path:
    """Write the self-contained binary with PyInstaller and return its path."""
    work = ROOT / "build" / "agent"
    work.mkdir(parents=True, exist_ok=True)
    entry = work / "edgewright_agent.py"
    entry.write_text("import sys\nfrom edgewright.agent.__main__ import start\n\nsys.exit(start())\n")
    command = [sys.executable, "-m", "PyInstaller", "--onefile", "--clean", "--noconfirm", "--log-level", "WARN"]
    command += ["--name", "edgewright-agent", "--distpath", str(dist), "--workpath", str(work), "--specpath", str(work)]
    command += ["--paths", str(ROOT)]
    if shutil.which("strip"):
        command.append("--strip")
    for name in UNUSED.split():
        command += ["--exclude-module", name]
    subprocess.run([*command, str(entry)], check=True, cwd=work)
    return dist / "edgewright-agent"


def main() -> int:
    """Build what was asked for and print each file with its size and digest."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--archive-only", action="store_true", help="leave the binary out (seconds instead of a minute)"
    )
    parser.add_argument("--dist", type=Path, default=ROOT / "dist")
    words = parser.parse_args()
    words.dist.mkdir(parents=True, exist_ok=True)
    built = [build_archive(words.dist)]
    if not words.archive_only:
        built.append(build_binary(words.dist))
    for path in built:
        data = path.read_bytes()
        print(f"{path}  {len(data) / 1e6:.2f} MB  sha256 {hashlib.sha256(data).hexdigest()}")  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
