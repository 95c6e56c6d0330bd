"""The journal: a torn tail is cut, damage inside is found, and what cannot be written does not start."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from edgewright.agent.reconcile import journal as module
from edgewright.agent.reconcile.journal import CannotRecord, Journal, decode, encode, read_records


def made(folder: Path, count: int = 3) -> Journal:
    journal = Journal(str(folder))
    for n in range(count):
        journal.append(f"s{n}", {"state": "running", "n": n})
    return journal


def test_the_newest_record_of_a_step_counts(tmp_path: Path) -> None:
    made(tmp_path).append("s1", {"state": "done"})
    again = Journal(str(tmp_path))
    again.open()
    assert again.records["s1"] == {"state": "done", "step": "s1"} and len(again.records) == 3
    assert [record["step"] for record in read_records(str(tmp_path))] == ["s0", "s1", "s2"]
    assert Path(again.path).stat().st_mode & 0o777 == 0o600


def test_a_write_cut_at_any_byte_leaves_what_was_before(tmp_path: Path) -> None:
    journal = made(tmp_path, 2)
    journal.close()
    data = Path(journal.path).read_bytes()
    first = data.index(b"\n") + 1
    for length in range(first, len(data)):
        Path(journal.path).write_bytes(data[:length])
        again = Journal(str(tmp_path))
        again.open()
        assert list(again.records) == ["s0"] and again.damaged == 0 and again.cut == length - first
        again.append("s9", {"state": "running"})
        again.close()
        last = Journal(str(tmp_path))
        last.open()
        assert list(last.records) == ["s0", "s9"] and last.cut == 0
        last.close()


@pytest.mark.parametrize(
    "tail", [b"\0" * 512, b"\0" * 511 + b"\n", b"garbage\n\xff\n", b'{"sum":"0","record":{"step":"x"}}\n']
)
def test_a_tail_that_is_no_record_is_cut(tmp_path: Path, tail: bytes) -> None:
    journal = made(tmp_path)
    journal.close()
    with open(journal.path, "ab") as file:
        file.write(tail)
    again = Journal(str(tmp_path))
    again.open()
    assert len(again.records) == 3 and again.cut == len(tail) and again.damaged == 0


def test_an_altered_line_inside_is_left_out_and_counted(tmp_path: Path) -> None:
    journal = made(tmp_path)
    journal.close()
    data = Path(journal.path).read_bytes()
    Path(journal.path).write_bytes(data.replace(b'"n":1', b'"n":7'))
    again = Journal(str(tmp_path))
    again.open()
    assert sorted(again.records) == ["s0", "s2"] and again.damaged == 1 and again.cut == 0


def test_each_record_has_a_checksum() -> None:
    line = encode({"step": "a", "n": 1})
    assert decode(line) == {"step": "a", "n": 1}
    for place in range(len(line) - 1):
        assert decode(line[:place] + bytes([line[place] ^ 1]) + line[place + 1 :]) is None


@pytest.mark.parametrize("call", ["write", "fsync"])
@pytest.mark.parametrize("code", [28, 5, 30])
def test_what_cannot_be_written_leaves_the_journal_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, code: int
) -> None:
    journal = made(tmp_path)
    before = Path(journal.path).read_bytes()
    real = getattr(os, call)

    def full(handle: int, *args: Any) -> Any:
        if call == "write":
            real(handle, args[0][:20])  # a part of it fits
        raise OSError(code, "x")

    monkeypatch.setattr(os, call, full)
    with pytest.raises(CannotRecord, match="No step is started"):
        journal.append("s9", {"state": "running"})
    monkeypatch.setattr(os, call, real)
    assert Path(journal.path).read_bytes() == before and "s9" not in journal.records
    journal.append("s9", {"state": "running"})
    journal.close()
    again = Journal(str(tmp_path))
    again.open()
    assert len(again.records) == 4 and again.damaged == 0


def test_a_failed_undo_is_repaired_before_the_next_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    journal = made(tmp_path)
    real, cut = os.write, os.ftruncate

    def torn(handle: int, data: bytes) -> int:
        real(handle, data[:10])
        raise OSError(28, "full")

    monkeypatch.setattr(os, "write", torn)
    monkeypatch.setattr(os, "ftruncate", lambda *a: (_ for _ in ()).throw(OSError(5, "io")))
    with pytest.raises(CannotRecord):
        journal.append("s9", {})
    monkeypatch.setattr(os, "write", real)
    with pytest.raises(CannotRecord):
        journal.append("s9", {})
    monkeypatch.setattr(os, "ftruncate", cut)
    journal.append("s9", {})
    journal.close()
    again = Journal(str(tmp_path))
    again.open()
    assert "s9" in again.records and again.damaged == 0


def test_the_record_is_synced_before_append_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    real = os.fsync

    def fsync(handle: int) -> None:
        synced.append(handle)
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    journal = made(tmp_path, 0)
    journal.open()
    synced.clear()
    journal.append("a", {})
    assert synced == [journal._handle]


@pytest.mark.parametrize("deadly", [None, "open", "write", "fsync", "replace"])
def test_it_is_compacted_or_stays_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deadly: str | None) -> None:
    monkeypatch.setattr(module, "COMPACT_AT", 20)
    monkeypatch.setattr(module, "MAX_ENDED", 2)
    journal = made(tmp_path, 5)
    for n in range(20):
        journal.append("s4", {"state": "done", "n": n})
    journal.append("s0", {"state": "done"})
    journal.append("s1", {"state": "done"})
    journal.close()
    again = Journal(str(tmp_path), lambda record: record["state"] == "done")
    if deadly:
        real = getattr(os, deadly)

        def dying(*args: Any, **more: Any) -> Any:
            if deadly == "replace" or (deadly == "open" and str(args[0]).endswith(".new")):
                raise OSError(28, "full")
            return real(*args, **more)

        monkeypatch.setattr(os, deadly, dying)
    again.open()
    lines = Path(again.path).read_bytes().count(b"\n")
    if deadly in ("open", "replace"):
        assert lines == 27
    else:
        assert lines == 4 and sorted(again.records) == ["s1", "s2", "s3", "s4"], "the oldest ended one is dropped"
    again.append("s7", {"state": "running"})
    again.close()
    monkeypatch.undo()
    last = Journal(str(tmp_path))
    last.open()
    assert "s7" in last.records and last.records["s4"]["n"] == 19


def test_a_folder_that_cannot_be_made_is_a_refusal(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotRecord, match="cannot write"):
        Journal(str(tmp_path / "file" / "x")).open()
    assert read_records(str(tmp_path / "none")) == ()
