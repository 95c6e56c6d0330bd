"""Operation `disk-usage`: what fills a file system, counted within limits."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from edgewright.agent.kernel.disk_usage import largest, report, size_text, usage_collector
from edgewright.agent.kernel.hostfs import Root


def fill(path: Path, kilobytes: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(os.urandom(kilobytes * 1024))


def made(tmp_path: Path) -> Path:
    fill(tmp_path / "var/log/journal/a/system.journal", 900)
    fill(tmp_path / "var/log/syslog", 100)
    fill(tmp_path / "usr/lib/one.so", 200)
    fill(tmp_path / "usr/lib/two.so", 200)
    os.link(tmp_path / "usr/lib/one.so", tmp_path / "usr/lib/hard-link.so")
    (tmp_path / "loop").symlink_to(tmp_path)
    return tmp_path


def test_the_directory_that_holds_the_files_is_listed_and_not_its_parents(tmp_path: Path) -> None:
    found = largest(str(made(tmp_path)))
    names = [path[len(str(tmp_path)) :] for _size, path in found.directories]
    assert names[:2] == ["/var/log/journal/a", "/usr/lib"], "not /var, /var/log or /var/log/journal"
    assert found.files[0][1].endswith("system.journal") and found.complete
    assert 1400 * 1024 <= found.total < 1700 * 1024, "a second link to a file is counted once, a symbolic link never"


def test_it_stops_in_time_and_says_so(tmp_path: Path) -> None:
    for number in range(600):
        (tmp_path / f"f{number}").touch()
    moments = iter([0.0, 99.0, 99.0])
    found = largest(str(tmp_path), 20.0, lambda: next(moments))
    assert not found.complete
    assert any("lower bounds" in line for line in report("/", found, None))


def test_the_report_names_what_no_file_explains(tmp_path: Path) -> None:
    lines = report("/", largest(str(made(tmp_path))), (100 * 10**9, 97 * 10**9, 3 * 10**9), str(tmp_path))
    assert lines[0] == "/  97 % used, 97.0 GB of 100 GB"
    assert lines[1].startswith("97.0 GB of it are in no file that can be seen: deleted files")
    assert any(line.endswith("/var/log/journal/a") for line in lines), "paths are those of the host"


def test_only_a_mount_point_is_counted(tmp_path: Path) -> None:
    sent: list[dict[str, Any]] = []

    def send(piece: dict[str, Any]) -> bool:
        sent.append(piece)
        return True

    collect = usage_collector(Root(str(made(tmp_path))), send)
    assert collect("a" * 24, {"mount": "/etc"}).state == "refused" and not sent
    assert collect("a" * 24, {"mount": "/"}).state == "succeeded"
    assert sent[0]["last"] is True and "LARGEST DIRECTORIES" in sent[0]["lines"]


def test_sizes_have_one_unit() -> None:
    assert [size_text(size) for size in (0, 999, 4_100, 22_100_000_000, 453_000_000_000)] == [
        "0 B", "999 B", "4.1 kB", "22.1 GB", "453 GB",
    ]  # fmt: skip
