"""What a program needs of a host, read from its headers: bounded, whatever the file is."""

from __future__ import annotations

import random
import shutil
import subprocess
from pathlib import Path

import pytest

from edgewright.forge.image import elf
from tests.forge.image import tree_stand_ins as made


def test_a_static_program_needs_nothing(tmp_path: Path) -> None:
    found = elf.read(made.put(tmp_path, "p", made.elf("kubelet", machine=183)))
    assert found.static and tuple(found) == ("arm64", "", ())


def test_a_dynamic_one_names_its_libraries_with_the_newest_version(tmp_path: Path) -> None:
    libraries = (("libc.so.6", "GLIBC_2.34"), ("libseccomp.so.2", ""))
    found = elf.read(made.put(tmp_path, "p", made.elf("runc", libraries=libraries)))
    assert found.interpreter == "/lib64/ld-linux-x86-64.so.2" and found.libraries == libraries and not found.static


def test_programs_of_this_machine_are_read_as_readelf_reads_them(tmp_path: Path) -> None:
    shell = Path("/bin/sh").resolve()
    found = elf.read(shell)
    assert any(library.name.startswith("libc.") for library in found.libraries)
    if shutil.which("readelf"):
        said = subprocess.run(["readelf", "-d", str(shell)], capture_output=True, text=True, check=True).stdout
        assert all(f"[{library.name}]" in said for library in found.libraries)
        assert said.count("(NEEDED)") == len(found.libraries)
    if shutil.which("gcc"):
        (tmp_path / "a.c").write_text("int main(void) { return 0; }\n")
        done = subprocess.run(["gcc", "-static", "-o", str(tmp_path / "a"), str(tmp_path / "a.c")], check=False)
        assert done.returncode or elf.read(tmp_path / "a").static


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"", "not a program"), (b"#!/bin/sh\n", "not a program"), (b"\x7fELF\x01\x01" + bytes(60), "not a 64-bit"),
     (b"\x7fELF\x02\x01" + bytes(70), "no program headers"), (made.elf("x")[:80], "cut off")],
)  # fmt: skip
def test_what_is_no_program_is_named(tmp_path: Path, data: bytes, says: str) -> None:
    with pytest.raises(elf.NotElf, match=says):
        elf.read(made.put(tmp_path, "p", data))


def test_damaged_programs_end_in_a_sentence(tmp_path: Path) -> None:
    whole = made.elf("runc", libraries=(("libc.so.6", "GLIBC_2.34"),))
    dice = random.Random(8)
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 6)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        path = made.put(tmp_path, "p", bytes(data))
        try:
            elf.read(path)
        except elf.NotElf as error:
            assert str(error)
