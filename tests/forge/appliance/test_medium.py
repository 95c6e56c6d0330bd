"""What is written on the medium: menu, kernel line, placeholder; and the list of what is in it."""

from __future__ import annotations

import json
import re

from edgewright.forge.appliance import medium, parts
from edgewright.forge.appliance.lock import load, parse
from edgewright.forge.appliance.sbom import purl, sbom
from tests import spdx_rules

KAIROS = (
    "root=live:CDLABEL=COS_LIVE",
    "rd.live.dir=/",
    "rd.live.squashimg=rootfs.squashfs",
    "rd.cos.disable",
    "cdroot",
)


def test_the_menu_installs_by_default_and_keeps_kairos_kernel_line() -> None:
    text = medium.grub_cfg()
    lines = re.findall(r"^  linux \(\$root\)/boot/kernel (.*)$", text, re.MULTILINE)
    assert len(lines) == len(medium.ENTRIES) == text.count("menuentry")
    for line in lines:
        assert set(KAIROS) <= set(line.split())
        assert "console=tty1" in line and line.index("console=tty1") < line.index("console=ttyS0")
    assert "edgewright.install" in lines[0].split()
    assert not any("edgewright.install" in line for line in lines[1:])
    assert "set default=0" in text and "set timeout=3" in text


def test_the_placeholder_has_its_size_and_says_what_it_is() -> None:
    data = medium.placeholder()
    assert len(data) == medium.PLACEHOLDER == 65536
    first, second, rest = data.split(b"\n", 2)
    assert first == b"#cloud-config" and second.startswith(b"# edgewright placeholder")
    assert rest.strip() == b""


def test_the_same_system_gives_the_same_list_with_every_package() -> None:
    lock = load()
    text = sbom(lock, "base.iso", "ab" * 32, "0.1.0", "cd" * 32)
    assert text == sbom(parse(lock.text(), "again"), "base.iso", "ab" * 32, "0.1.0", "cd" * 32)
    document = json.loads(text)
    assert spdx_rules.problems(document) == []
    ids = [entry["SPDXID"] for entry in document["packages"]]
    assert len(ids) == len(set(ids)) == len(lock.packages) + 2
    assert all(re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", word) for word in ids)
    named = {entry["name"]: entry for entry in document["packages"]}
    kernel = named["linux-image-amd64"]
    assert kernel["versionInfo"] == lock.version_of("linux-image-amd64")
    assert kernel["externalRefs"][0]["referenceLocator"].startswith("pkg:deb/debian/linux-image-amd64@")
    related = {entry["relatedSpdxElement"] for entry in document["relationships"]}
    assert set(ids) == related


def test_a_package_url_escapes_what_a_version_may_hold() -> None:
    package = next(entry for entry in load().packages if ":" in entry.version and "+" in entry.version)
    assert re.fullmatch(r"pkg:deb/debian/[^@?:+]+@[^@?:+]+\?arch=\w+&distro=bookworm", purl(package))


def test_no_unit_is_both_wanted_and_masked() -> None:
    assert not set(parts.ENABLED) & set(parts.MASKED)
