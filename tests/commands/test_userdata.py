"""The verbs of user-data on the command line: exit codes, what is printed where, files readable by one alone."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from edgewright.cli.main import run
from edgewright.commands.forge import userdata

GOOD = """\
#cloud-config
stylus:
  site:
    paletteEndpoint: https://plane.example.com
    edgeHostToken: very-secret-token
    name: edge-1
install:
  poweroff: true
"""


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EDGEWRIGHT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "bad.yaml").write_text(GOOD.replace("edge-1", "edge/1").replace("install", "instal"))
    (tmp_path / "site.yaml").write_text("#cloud-config\nstylus:\n  site:\n    name: edge-9\n    edgeHostToken: other\n")
    (tmp_path / "token").write_text("tok-9f2c71\n")
    (tmp_path / ".arg").write_text("K8S_DISTRIBUTION=k3s\nUBUNTU_PRO_KEY=C1234567\n")
    return tmp_path


def test_a_good_file_ends_with_0_and_says_what_was_not_checked(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["forge", "user-data", "check", "good.yaml", "--offline"]) == 0
    out, err = capsys.readouterr()
    assert "good.yaml: not checked: Offline" in out
    assert "good.yaml has no errors: 1 not checked" in err
    assert "very-secret-token" not in out + err


def test_a_bad_file_ends_with_7_and_names_line_and_next_step(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["forge", "user-data", "check", "bad.yaml", "good.yaml", "--offline"]) == 7
    out, err = capsys.readouterr()
    assert "bad.yaml:7: error: instal is not a key of a cloud-config; the nearest is `install`.\n    Rename it" in out
    assert "bad.yaml:6: error: stylus.site.name must not contain '/'." in out
    assert "bad.yaml is not right: 2 errors" in err and "good.yaml has no errors" in err


def test_json_is_a_list_of_findings(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["forge", "user-data", "check", "bad.yaml", "--offline", "-o", "json"]) == 7
    found = json.loads(capsys.readouterr().out)
    assert {"file", "severity", "path", "message", "hint", "code", "line"} == set(found[0])
    assert [one["code"] for one in found if one["severity"] == "error"] == ["Uid", "UnknownKey"]


@pytest.mark.parametrize(("text", "line"), [("a:\n\tb: c\n", 2), ("- a\n", 0), ("a: \0", 1)])
def test_what_is_no_yaml_is_a_finding_with_its_line(
    files: Path, capsys: pytest.CaptureFixture[str], text: str, line: int
) -> None:
    (files / "x.yaml").write_text(text)
    assert run(["forge", "user-data", "check", "x.yaml", "--offline", "-o", "json"]) == 7
    (found,) = json.loads(capsys.readouterr().out)
    assert (found["severity"], found["line"]) == ("error", line)


def test_arg_files_are_checked_too(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["forge", "user-data", "check", ".arg"]) == 7
    out = capsys.readouterr().out
    assert ".arg:2: error: UBUNTU_PRO_KEY is a secret" in out and "all 58 versions of k3s" in out
    assert "C1234567" not in out


def test_a_file_that_is_not_there_ends_with_3(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["forge", "user-data", "check", "none.yaml"]) == 3
    assert "There is no file none.yaml." in capsys.readouterr().err


def test_sites_of_one_plan_are_compared(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "two.yaml").write_text(GOOD)
    assert run(["forge", "user-data", "check", "good.yaml", "two.yaml", "--offline", "--site-plan"]) == 7
    assert "two.yaml and good.yaml have the same UID edge-1" in capsys.readouterr().out


def test_a_site_is_checked_as_it_lies_over_the_installer(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "site.yaml").write_text("#cloud-config\nstylus:\n  site:\n    name: edge-9\n    tags: {city: lund}\n")
    assert run(["forge", "user-data", "check", "site.yaml", "--offline"]) == 0
    out = capsys.readouterr().out
    assert (
        "site.yaml:3: warning: stylus.site names neither paletteEndpoint nor edgeHostToken: right for the user-data"
        in out
    )
    assert "edgewright forge user-data check FILE --over installer.yaml" in out
    assert run(["forge", "user-data", "check", "site.yaml", "--offline", "--over", "good.yaml"]) == 0
    assert "names neither" not in capsys.readouterr().out


def test_a_file_without_an_endpoint_goes_to_palettes_default(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "x.yaml").write_text(GOOD.replace("    paletteEndpoint: https://plane.example.com\n", ""))
    assert run(["forge", "user-data", "check", "x.yaml", "--offline"]) == 0
    assert (
        "warning: stylus.site.paletteEndpoint is missing: the host goes to api.spectrocloud.com"
        in capsys.readouterr().out
    )


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "utf-8-sig"])
def test_other_encodings_are_errors_that_name_the_next_step(
    files: Path, capsys: pytest.CaptureFixture[str], encoding: str
) -> None:
    (files / "x.yaml").write_bytes(f"{GOOD}# Läden".encode(encoding))
    assert run(["forge", "user-data", "check", "x.yaml", "--offline"]) == 7
    out = capsys.readouterr().out
    assert "without BOM" in out or "Save it as UTF-8" in out
    assert ("UTF-16" in out) is encoding.startswith("utf-16") and ("UTF-32" in out) is (encoding == "utf-32")


def test_a_new_file_out_of_one_with_a_byte_order_mark_has_none(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "x.yaml").write_bytes(GOOD.encode("utf-8-sig"))
    assert run(["forge", "user-data", "new", "--from", "x.yaml", "name=edge-2", "-o", "y.yaml"]) == 0
    assert (files / "y.yaml").read_bytes().startswith(b"#cloud-config\n")
    capsys.readouterr()


@pytest.mark.parametrize("name", ["auto", "x.yaml"])
def test_an_installer_is_written_without_a_byte_order_mark(files: Path, name: str) -> None:
    from edgewright.commands.forge.checked import read_user_data
    from edgewright.core.cloudconfig.findings import has_errors

    (files / name).write_bytes(GOOD.encode("utf-8-sig"))
    read = read_user_data(files / name, "palette")
    assert read.data == GOOD.encode() and not has_errors(read.findings)
    assert [one.severity for one in read.findings if one.code == "Bom"] == ["warning"]


def test_the_profile_of_kairos_wants_users(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["forge", "user-data", "check", "good.yaml", "--offline", "--profile", "kairos"]) == 7
    assert "users is missing (profile kairos)" in capsys.readouterr().out


def test_a_new_file_is_for_its_owner_alone_and_never_replaces(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["forge", "user-data", "new", "endpoint=https://plane.example.com", "token=@token", "-o", "new.yaml"]
    assert run(words) == 0
    made = files / "new.yaml"
    assert made.stat().st_mode & 0o777 == 0o600
    assert "edgeHostToken: tok-9f2c71\n" in made.read_text() and "# " in made.read_text()
    assert run(words) == 6
    assert run([*words, "--force"]) == 0
    assert run(["forge", "user-data", "check", "new.yaml", "--offline"]) == 0
    assert "tok-9f2c71\n" not in capsys.readouterr().out.replace("edgeHostToken\n", "")


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("token=tok-9f2c71", "is a secret"), ("stylus.site.edgeHostToken=tok-9f2c71", "is a secret"),
        ("stylus.site.network.httpProxy=http://kim:tok-9f2c71@10.4.1.1:3128", "has a URL with a password"),
    ],
)  # fmt: skip
def test_a_secret_is_not_taken_from_the_command_line(
    files: Path, capsys: pytest.CaptureFixture[str], word: str, why: str
) -> None:
    assert run(["forge", "user-data", "new", word, "-o", "new.yaml"]) == 2
    said = capsys.readouterr()
    assert why in said.err and "=@FILE" in said.err and "tok-9f2c71" not in said.out + said.err
    assert not (files / "new.yaml").exists()


def test_a_pipe_without_a_writer_is_given_up(
    files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(userdata, "PATIENCE", 0.2)
    os.mkfifo(files / "pipe")
    assert run(["forge", "user-data", "new", "token=@pipe", "-o", "new.yaml"]) == 8
    assert "pipe does not answer within 0.2 s." in capsys.readouterr().err and not (files / "new.yaml").exists()
    os.close(os.open(files / "pipe", os.O_RDWR))  # the thread ends


def test_a_changed_file_keeps_its_comments(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "good.yaml").write_text(GOOD.replace("name: edge-1", "name: edge-1  # mine"))
    assert run(["forge", "user-data", "new", "--from", "good.yaml", "name=edge-2", "-o", "good.yaml"]) == 0
    assert (files / "good.yaml").read_text() == GOOD.replace("name: edge-1", "name: edge-2  # mine")
    assert run(["forge", "user-data", "new", "--from", ".arg", "K8S_VERSION=1.33.5", "-o", "x.arg"]) == 0
    assert (files / "x.arg").read_text() == "K8S_DISTRIBUTION=k3s\nUBUNTU_PRO_KEY=C1234567\nK8S_VERSION=1.33.5\n"
    capsys.readouterr()


def test_keys_are_explained(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for what, words in (
        ("edgeHostToken", "stylus.site.edgeHostToken"),
        ("stylus.site", "paletteEndpoint"),
        ("stages", "initramfs"),
        ("K8S_VERSION", ".arg of CanvOS"),
        ("install.device", "cannot be undone later"),
    ):
        assert run(["forge", "user-data", "show", what]) == 0
        assert words in capsys.readouterr().out
    assert run(["forge", "user-data", "show", "edgeHostTokn"]) == 3
    assert "`stylus.site.edgeHostToken`" in capsys.readouterr().err
    assert run(["forge", "user-data", "show"]) == 0
    assert "stylus.site.network.interfaces.*.gateway" in capsys.readouterr().out


def test_a_file_is_shown_without_its_secrets(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["forge", "user-data", "show", "good.yaml"]) == 0
    assert run(["forge", "user-data", "show", ".arg"]) == 0
    out = capsys.readouterr().out
    assert "edge-1" in out and "k3s" in out
    assert "very-secret-token" not in out and "C1234567" not in out


def test_a_merge_shows_what_wins_and_writes_for_the_owner_alone(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["forge", "user-data", "merge", "good.yaml", "site.yaml", "-o", "merged.yaml"]) == 0
    out, err = capsys.readouterr()
    assert "stylus.site.name" in out and "edge-9" in out and "staging: edge-1" in out
    assert "very-secret-token" not in out + err
    made = files / "merged.yaml"
    assert made.stat().st_mode & 0o777 == 0o600 and "edgeHostToken: other" in made.read_text()
    assert run(["forge", "user-data", "merge", "good.yaml", ".arg"]) == 7


def test_text_from_a_file_cannot_steer_the_terminal(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "x.yaml").write_text('#cloud-config\n"\\e[31mstylus": 1\nstages: {"\\e[2J": []}\n')
    run(["forge", "user-data", "check", "x.yaml", "--offline"])
    out, err = capsys.readouterr()
    assert "\x1b" not in out + err


INSTALLER = """\
#cloud-config
stylus:
  site:
    paletteEndpoint: https://plane.example.com
    edgeHostToken: tok-9f2c71
    insecureSkipVerify: true
    users:
      - name: ops
        passwd: plain
install:
  device: auto
  poweroff: true
"""


def test_findings_of_merged_files_are_put_to_the_file_that_they_are_about(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (files / "installer.yaml").write_text(INSTALLER)
    (files / "site.yaml").write_text(
        "#cloud-config\nstylus:\n  site:\n    name: edge_1\n    users:\n      - name: More\n        passwd: other\n"
    )
    words = ["forge", "user-data", "check", "site.yaml", "--over", "installer.yaml", "--offline", "-o", "json"]
    assert run(words) == 7
    found = [(one["file"], one["line"], one["code"]) for one in json.loads(capsys.readouterr().out)]
    assert {one for one in found if one[2] in ("NoVerify", "PlainPassword", "User", "HostName")} == {
        ("installer.yaml", 6, "NoVerify"),
        ("installer.yaml", 9, "PlainPassword"),
        ("site.yaml", 4, "HostName"),
        ("site.yaml", 6, "User"),
        ("site.yaml", 7, "PlainPassword"),
    }
    assert run([*words[:-2]]) == 7
    assert "installer.yaml has no errors" in capsys.readouterr().err


def test_a_file_that_no_user_data_can_lie_over_is_an_error(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["forge", "user-data", "check", "good.yaml", "--over", ".arg", "--offline"]) == 7
    assert ".arg is a .arg file" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["new.yaml", "new", "new.txt"])
@pytest.mark.parametrize(
    "words", [["name=a"], ["install.device=auto", "install.poweroff=true"], ["stylus.localUI.port=5"]]
)
def test_new_and_check_count_the_same(
    files: Path, capsys: pytest.CaptureFixture[str], name: str, words: list[str]
) -> None:
    assert run(["forge", "user-data", "new", "token=@token", "endpoint=plane.example.com", *words, "-o", name]) == 0
    said = capsys.readouterr()
    new = (said.out + said.err).split("checked offline: ")[1].split(".")[0]
    assert run(["forge", "user-data", "check", name, "--offline"]) == 0
    assert f"{name} has no errors: {new} (profile" in capsys.readouterr().err


def test_a_box_that_waits_at_the_console_is_told(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = "wait for an operator at the console"
    assert run(["forge", "user-data", "new", "token=@token", "-o", "new.yaml"]) == 0
    said = capsys.readouterr()
    assert words in said.out + said.err
    assert run(["forge", "user-data", "check", "good.yaml", "--offline"]) == 0
    assert "good.yaml:7: note: Neither install.auto nor install.device is set" in capsys.readouterr().out
    for line in ("device: /dev/nvme0n1", "auto: true"):
        (files / "good.yaml").write_text(f"{GOOD}  {line}\n")
        assert run(["forge", "user-data", "check", "good.yaml", "--offline"]) == 0
        assert words not in capsys.readouterr().out


@pytest.mark.parametrize("words", [["--help"], ["-h"]])
def test_the_help_of_user_data_is_help(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert run(["forge", "user-data", *words]) == 0
    out = capsys.readouterr().out
    assert out.startswith("edgewright forge user-data\n") and "\n  check " in out and "\n  merge " in out
    assert "sites" not in out
    assert run(["build", *words]) == 0
    assert "\n  cancel " in capsys.readouterr().out
    assert run(["forge", "user-data"]) == 2
    assert "needs a verb: new, check, show, merge" in capsys.readouterr().err


def test_a_project_of_a_plan_is_asked_at_the_plane(
    files: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from edgewright.commands.forge import sites, userdata_plane

    async def ask(*_: object) -> userdata_plane.Known:
        return userdata_plane.Known(projects=[{"metadata": {"uid": "1", "name": "shops"}}])

    monkeypatch.setattr(sites, "ask", ask)
    (files / "plan.csv").write_text("name,project\nedge-1,shops\nedge-2,Nope\n")
    words = ["forge", "sites", "plan.csv", "--base-user-data", "good.yaml", "-o", "S"]
    assert run(words) == 7
    assert "line 3: The plane has no project Nope that your key may see" in capsys.readouterr().err
    assert run([*words, "--offline"]) == 0
    capsys.readouterr()


PLANE = "    paletteEndpoint: hub.example.org\n    edgeHostToken: kq7-2b9d\n"
HEAD = f"#cloud-config\nstylus:\n  site:\n{PLANE}"
KINDS: list[tuple[str, str, int, str]] = [
    (
        "a.yaml",
        f"{HEAD}stages:\n  boot:\n    - users: {{ann: {{groups: wheel}}}}\n",
        7,
        "a.yaml:8: error: stages.boot[0].users.ann",
    ),
    ("a.yaml", f"\ufeff{HEAD}", 7, "a.yaml:1: error: The file begins with a byte order mark"),
    (
        "a.yaml",
        HEAD.replace("kq7-2b9d", "${EDGE_TOKEN}"),
        7,
        "a.yaml:5: error: stylus.site.edgeHostToken contains the variable",
    ),
    (
        *(
            ".arg",
            "OS_DISTRIBUTION=ubuntu\nIMAGE_REPO=$OS_DISTRIBUTION\nARCH=amd64\nK8S_DISTRIBUTION=k3s\nIMAGE_REGISTRY=r.io\n",
        ),
        *(0, "K8S_VERSION is empty"),
    ),
    ("a.yaml", HEAD.replace("    paletteEndpoint: hub.example.org\n", ""), 0, "the host goes to api.spectrocloud.com"),
    ("a.yaml", "#cloud-config\nstylus:\n  site:\n    projectName: depots\n", 0, "--over installer.yaml"),
    ("a.yaml", f"{HEAD}stages:\n  kairos-install.after.before:\n    - commands: [sync]\n", 0, "No user is created"),
    ("a.yaml", f"{HEAD}    autoRegister: false\n", 7, "Write disableAutoRegister: true."),
    (
        "a.yaml",
        f"{HEAD}  install:\n    poweroff: true\n",
        7,
        "`install` belongs to the top level: it is indented too far",
    ),
    ("a.yaml", f"{HEAD}package_upgrade: true\n", 0, "warning: package_upgrade is a key of Ubuntu's cloud-init"),
]


@pytest.mark.parametrize(("name", "text", "code", "words"), KINDS, ids=range(len(KINDS)))
def test_each_kind_of_slip_has_its_exit_code_and_sentence(
    files: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, code: int, words: str
) -> None:
    (files / name).write_text(text)
    assert run(["forge", "user-data", "check", name, "--offline"]) == code
    assert words in capsys.readouterr().out
