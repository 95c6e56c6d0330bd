"""Which ways to boot an ISO lacks, in sentences, and the next steps that depend on them."""

from __future__ import annotations

import pytest

from edgewright.forge.iso import modes

ALL = ("BIOS from CD", "BIOS from USB", "UEFI from CD", "UEFI from USB")


@pytest.mark.parametrize(
    ("boots", "summary", "lacks", "verify"),
    [
        (ALL, "BIOS and UEFI, from CD and USB", [], "x.iso"),
        (("UEFI from CD", "UEFI from USB"), "UEFI, from CD and USB",
         ["from USB by UEFI only: a machine set to BIOS does not start it."], "x.iso"),
        (("BIOS from CD", "BIOS from USB"), "BIOS, from CD and USB",
         ["from USB by BIOS only: a machine set to UEFI does not start it."], "x.iso --bios"),
        (("BIOS from CD", "UEFI from CD"), "BIOS and UEFI from CD", ["from a CD only (BIOS and UEFI), as its base"],
         "x.iso --cd"),
        (("UEFI from CD",), "UEFI from CD", ["from a CD only (UEFI)", "by UEFI only: a machine set to BIOS does not"],
         "x.iso --cd"),
        (("BIOS from CD",), "BIOS from CD", ["from a CD only (BIOS)", "by BIOS only: a machine set to UEFI does not"],
         "x.iso --bios --cd"),
        (("BIOS from USB", "UEFI from USB"), "BIOS and UEFI from USB", ["from USB only: not as a CD"], "x.iso"),
        (("BIOS from CD", "BIOS from USB", "UEFI from USB"), "BIOS from CD; BIOS and UEFI from USB",
         ["from a CD by BIOS only."], "x.iso"),
        ((), "from nothing", ["x.iso boots from nothing."], "x.iso"),
    ],
)  # fmt: skip
def test_what_is_lacking(boots: tuple[str, ...], summary: str, lacks: list[str], verify: str) -> None:
    assert modes.summary(boots) == summary
    said = modes.warnings("x.iso", boots)
    assert len(said) == len(lacks) and all(part in sentence for part, sentence in zip(lacks, said, strict=True)), said
    assert modes.verify_line("x.iso", boots) == f"edgewright forge verify {verify}"
    assert any("forge flash" in line for line in modes.next_lines("x.iso", boots)) == modes.boots_from_usb(boots)


def test_commands_can_be_pasted() -> None:
    lines = modes.next_lines("out dir ü/sub/Läden 1.iso", ALL)
    assert lines[0].startswith("Next: edgewright forge verify 'out dir ü/sub/Läden 1.iso'   boots it")
    assert lines[1].startswith("      edgewright forge flash 'out dir ü/sub/Läden 1.iso'")


def test_an_older_manifest_names_the_modes_of_its_base() -> None:
    assert modes.modes_of({"iso": {}, "base": {"boots": ["UEFI from CD"]}}) == ("UEFI from CD",)
    assert modes.modes_of({"iso": {"boots": list(ALL)}, "base": {"boots": []}}) == ALL
    assert modes.modes_of({}) == ()
