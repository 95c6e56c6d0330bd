"""Flags over user-data over defaults; identity that stays; tags from map, file and script."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from edgewright.agent.kernel.enrolment import Enrolment
from edgewright.agent.kernel.settings import Flags, find_labels, load_settings
from edgewright.agent.kernel.state import StateFolder
from edgewright.agent.plane.proxy import choose_proxy
from edgewright.core.errors import Failed, InvalidInput
from edgewright.core.proxy import parse_proxy

USER_DATA = """#cloud-config
stylus:
  site:
    paletteEndpoint: plane.example:8443
    edgeHostToken: ewt_from_user_data
    projectName: Shops
    name: store 7/berlin
    tags:
      site: berlin-04
      bare: ""
    disableAutoRegister: true
"""


def write(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return str(path)


def test_the_installers_user_data_is_enough(tmp_path: Path) -> None:
    settings = load_settings(Flags(user_data=write(tmp_path, "u", USER_DATA)))
    assert settings.endpoint == "https://plane.example:8443"
    assert settings.token() == "ewt_from_user_data"
    assert settings.project == "Shops" and settings.site.disable_auto_register


def test_a_flag_wins_over_the_user_data(tmp_path: Path) -> None:
    flags = Flags(
        endpoint="https://other:1",
        token_file=write(tmp_path, "t", "ewt_flag\n"),
        user_data=write(tmp_path, "u", USER_DATA),
    )
    settings = load_settings(flags)
    assert settings.endpoint == "https://other:1"
    assert settings.token() == "ewt_flag"
    write(tmp_path, "t", "ewt_new\n")
    assert settings.token() == "ewt_new", "the token is read anew before each try (P11)"


def test_the_usual_places_are_searched_in_order(tmp_path: Path) -> None:
    write(tmp_path, "etc/edgewright/user-data", USER_DATA.replace("plane.example", "third"))
    assert load_settings(Flags(root=str(tmp_path))).endpoint == "https://third:8443"
    write(tmp_path, "run/stylus/userdata", USER_DATA.replace("plane.example", "second"))
    assert load_settings(Flags(root=str(tmp_path))).endpoint == "https://second:8443"
    write(tmp_path, "oem/userdata", USER_DATA.replace("plane.example", "first"))
    assert load_settings(Flags(root=str(tmp_path))).endpoint == "https://first:8443"


def test_nothing_named_is_a_sentence_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="No endpoint is known") as caught:
        _ = load_settings(Flags(root=str(tmp_path))).endpoint
    assert "paletteEndpoint" in caught.value.hint


@pytest.mark.parametrize(
    ("text", "words"),
    [("stylus: &a 1\n", "cannot be read"), ("- a\n", "cannot be read"), ("stylus:\n  site: [1]\n", "cannot be read")],
)
def test_user_data_that_cannot_be_read_says_which_and_why(tmp_path: Path, text: str, words: str) -> None:
    path = write(tmp_path, "u", text)
    with pytest.raises(InvalidInput, match=words) as caught:
        load_settings(Flags(user_data=path))
    assert path in caught.value.message
    with pytest.raises(Failed, match="no such file"):
        load_settings(Flags(user_data=str(tmp_path / "none")))


def test_faulty_user_data_in_a_usual_place_is_told_and_not_used(tmp_path: Path) -> None:
    write(tmp_path, "oem/userdata", "stylus: *nobody\n")
    settings = load_settings(Flags(root=str(tmp_path), endpoint="https://x"))
    assert settings.problems and "not used" in settings.problems[0]
    assert settings.endpoint == "https://x"


def test_ca_certificates_come_as_pem_or_as_base64_of_it(tmp_path: Path) -> None:
    pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"
    encoded = base64.b64encode(pem.encode()).decode()
    indented = "\n".join("        " + line for line in pem.splitlines())
    text = f"#cloud-config\nstylus:\n  site:\n    caCerts:\n      - |\n{indented}\n      - {encoded}\n"
    settings = load_settings(Flags(user_data=write(tmp_path, "u", text)))
    assert [found.strip() for found in settings.ca_pems()] == [pem, pem]
    assert load_settings(Flags(user_data=write(tmp_path, "u", text), ca="/some/file")).ca_pems() == []
    bad = "#cloud-config\nstylus:\n  site:\n    caCerts: [nonsense]\n"
    with pytest.raises(Failed, match="neither a PEM block nor base64"):
        load_settings(Flags(user_data=write(tmp_path, "u", bad))).ca_pems()


def enrol(tmp_path: Path, site: str, told: list[str]) -> Enrolment:
    text = "#cloud-config\nstylus:\n  site:\n" + site
    settings = load_settings(Flags(user_data=write(tmp_path, "u", text), root=str(tmp_path / "root")))
    folder = StateFolder(str(tmp_path / "data"), lambda priority, sentence: told.append(sentence))
    folder.open()
    try:
        return Enrolment(folder, settings, lambda priority, sentence: told.append(sentence))
    finally:
        folder.close()


def test_a_random_uid_stays_for_ever(tmp_path: Path) -> None:
    told: list[str] = []
    first = enrol(tmp_path, '    name: "$random"\n', told)
    assert first.how == "random" and first.uid.startswith("edge-")
    assert enrol(tmp_path, '    name: "$random"\n', told).uid == first.uid


def test_the_uid_comes_from_the_named_file_and_expression(tmp_path: Path) -> None:
    write(tmp_path, "root/sys/serial", "Serial: AB/C-99 end\n")
    found = enrol(
        tmp_path,
        "    prefix: shop\n    deviceUIDPaths:\n      - name: /nowhere\n"
        "      - name: /sys/serial\n        regex: 'Serial: (\\S+)'\n",
        [],
    )
    assert (found.uid, found.how) == ("shop-ABC-99", "deviceUIDPaths")


def test_a_name_is_fitted_and_the_change_is_told(tmp_path: Path) -> None:
    told: list[str] = []
    assert enrol(tmp_path, "    name: store?7\n", told).uid == "store7"
    assert any("store7" in sentence for sentence in told)


def test_another_name_later_is_told_and_the_first_kept(tmp_path: Path) -> None:
    told: list[str] = []
    enrol(tmp_path, "    name: one\n", told)
    assert enrol(tmp_path, "    name: two\n", told).uid == "one"
    assert any("known as one" in sentence for sentence in told)


def test_tags_come_from_map_file_and_script(tmp_path: Path) -> None:
    script = tmp_path / "tags.sh"
    script.write_text('#!/bin/sh\necho \'{"rack": 4, "site": "script"}\'\n')
    script.chmod(0o755)
    write(tmp_path, "root/etc/tags", "floor:2\nsite:file\n")
    text = (
        "#cloud-config\nstylus:\n  site:\n    tags: {site: map}\n"
        f"    tagsFromFile: {{fileName: /etc/tags}}\n    tagsFromScript: {{scriptName: {script}, timeout: 5}}\n"
    )
    settings = load_settings(Flags(user_data=write(tmp_path, "u", text), root=str(tmp_path / "root")))
    labels, warnings = find_labels(settings)
    assert labels == {"site": "map", "floor": "2", "rack": "4"}
    assert len(warnings) == 2


@pytest.mark.parametrize(
    ("body", "words"),
    [("exit 3", "code 3"), ("echo no", "did not print JSON"), ("exec sleep 9", "did not end within 1 s")],
)
def test_a_tag_script_that_fails_is_told(tmp_path: Path, body: str, words: str) -> None:
    script = tmp_path / "tags.sh"
    script.write_text(f"#!/bin/sh\n{body}\n")
    script.chmod(0o755)
    text = f"#cloud-config\nstylus:\n  site:\n    tagsFromScript: {{scriptName: {script}, timeout: 1}}\n"
    labels, warnings = find_labels(load_settings(Flags(user_data=write(tmp_path, "u", text))))
    assert labels == {} and words in warnings[0]


def test_the_proxy_comes_from_the_user_data_or_the_environment() -> None:
    env = {"https_proxy": "http://env:1", "no_proxy": ".intern,10.0.0.0/8"}
    assert choose_proxy("plane.example", "", "", {}) is None
    found = choose_proxy("plane.example", "", "", env)
    assert found is not None and found.name == "env:1"
    found = choose_proxy("plane.example", "http://u:p%40x@site:3129", "", env)
    assert found is not None and found.name == "site:3129" and found.headers[0][1].startswith("Basic ")
    for host in ("plane.intern", "10.4.5.6", "localhost", "127.0.0.1"):
        assert choose_proxy(host, "", "", env) is None, host
    with pytest.raises(InvalidInput):
        parse_proxy("socks5://x:1")
