"""`hub configure`: the address that hosts use, stored in the data directory; the CA stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography import x509

from edgewright.core.errors import ExitCode, InvalidInput, NotFound, UsageError
from edgewright.hub.process import cli, configuration
from edgewright.hub.process.configuration import Configuration, database, for_address, listen_for, split_address, url_of
from edgewright.hub.process.files import DataLock
from edgewright.hub.process.options import ServeOptions
from edgewright.hub.security import pki


@pytest.fixture
def stopped(tmp_path: Path) -> Path:
    """The directory of a hub that does not run."""
    data = tmp_path / "d"
    data.mkdir(mode=0o700)
    (data / "hub.lock").touch()
    pki.ensure_certificates(data, ["127.0.0.1"])
    return data


def names_in(data: Path) -> set[str]:
    leaf = x509.load_pem_x509_certificate((data / pki.SERVER_CERT).read_bytes())
    found = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return {str(name.value) for name in found}


def test_an_address_is_in_the_certificate_and_the_ca_stays(stopped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = (stopped / pki.CA_CERT).read_bytes()
    words = ["configure", "--data", str(stopped), "--address", "10.99.1.2", "--name", "hub.example.net", "-o", "json"]
    assert cli.main(words) == 0
    done = json.loads(capsys.readouterr().out)
    assert done["url"] == "https://10.99.1.2:8443" and done["certificate"] == "issued" and done["pid"] is None
    assert done["names"] == ["10.99.1.2", "hub.example.net"]
    assert (stopped / pki.CA_CERT).read_bytes() == before and done["caFingerprint"] == pki.ca_fingerprint(stopped)
    assert {"10.99.1.2", "hub.example.net", "127.0.0.1"} <= names_in(stopped)
    assert configuration.read(stopped) == Configuration("0.0.0.0:8443", ("10.99.1.2", "hub.example.net"))


def test_a_hub_starts_with_what_is_stored_and_the_command_line_counts_more(
    stopped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[tuple[str, tuple[str, ...]]] = []

    def run(options: ServeOptions) -> int:
        started.append((options.listen, options.advertise))
        return 0

    monkeypatch.setattr("edgewright.hub.process.serve.run", run)
    assert cli.main(["serve", "--data", str(stopped)]) == 0
    configuration.write(stopped, Configuration("0.0.0.0:9443", ("hub.example.net",)))
    assert cli.main(["serve", "--data", str(stopped)]) == 0
    assert cli.main(["serve", "--data", str(stopped), "--listen", "127.0.0.1:1", "--advertise", "x.example"]) == 0
    assert started == [
        ("127.0.0.1:8443", ()),
        ("0.0.0.0:9443", ("hub.example.net",)),
        ("127.0.0.1:1", ("x.example",)),
    ]


def test_a_running_hub_keeps_its_certificate_and_the_answer_says_what_it_needs(
    stopped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lock = DataLock(stopped)
    lock.write_holder()
    before = (stopped / pki.SERVER_CERT).read_bytes()
    try:
        assert cli.main(["configure", "--data", str(stopped), "--address", "10.99.1.2"]) == 0
    finally:
        lock.release()
    said = capsys.readouterr().out
    assert "next start" in said and "kill " in said and "hub serve --data" in said
    assert (stopped / pki.SERVER_CERT).read_bytes() == before
    assert configuration.read(stopped).names == ("10.99.1.2",)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ([], ExitCode.USAGE),
        (["--address", "b_c"], ExitCode.INVALID),
        (["--address", "a:0"], ExitCode.INVALID),
        (["--address", "a:70000"], ExitCode.INVALID),
        (["--name", "b c"], ExitCode.INVALID),
        (["--listen", "8443"], ExitCode.USAGE),
    ],
)
def test_a_wrong_address_is_a_sentence_and_changes_nothing(stopped: Path, words: list[str], code: int) -> None:
    assert cli.main(["configure", "--data", str(stopped), *words]) == code
    assert not (stopped / configuration.FILE).exists()


def test_a_directory_of_no_hub_and_a_damaged_file_are_sentences(
    tmp_path: Path, stopped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["configure", "--data", str(tmp_path / "no"), "--address", "a"]) == ExitCode.NOT_FOUND
    assert cli.main(["configure", "--data", str(tmp_path / "no")]) == ExitCode.NOT_FOUND
    for damaged in ('{"listen": 7}', "{", '{"names": 3}', "[]"):
        (stopped / configuration.FILE).write_text(damaged)
        assert cli.main(["serve", "--data", str(stopped)]) == ExitCode.FAILED
        assert "configuration.json cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("hub.example.net", "hub.example.net", 8443),
        ("https://hub.example.net:9443/", "hub.example.net", 9443),
        ("10.4.0.2:8444", "10.4.0.2", 8444),
        ("fd00::2", "fd00::2", 8443),
        ("[fd00::2]:9", "fd00::2", 9),
    ],
)
def test_addresses_are_understood(text: str, host: str, port: int) -> None:
    assert split_address(text) == (host, port)


def test_an_address_of_this_machine_is_listened_on_alone_and_any_other_on_all() -> None:
    assert listen_for("127.0.0.1", 8443) == "127.0.0.1:8443"
    assert listen_for("192.0.2.200", 8443) == "0.0.0.0:8443"
    assert listen_for("2001:db8::200", 8443) == "[::]:8443"
    assert listen_for("hub.example.net", 8443) == "0.0.0.0:8443"
    assert url_of(for_address("hub.example.net:9443")) == "https://hub.example.net:9443"
    assert url_of(Configuration("[::]:8443", ("fd00::2",))) == "https://[fd00::2]:8443"
    assert url_of(Configuration()) == "https://127.0.0.1:8443"
    with pytest.raises(InvalidInput):
        for_address("")


def test_the_database_is_named_by_a_file(tmp_path: Path) -> None:
    file = tmp_path / "url"
    file.write_text("postgresql+psycopg://hub:secret@db/hub\n")
    assert database(None, file) == "postgresql+psycopg://hub:secret@db/hub"
    assert database("sqlite:///x", None) == "sqlite:///x" and database(None, None) is None
    with pytest.raises(UsageError, match="both name a database"):
        database("x", file)
    with pytest.raises(NotFound, match="No such file"):
        database(None, tmp_path / "other")
    file.write_text("\n")
    with pytest.raises(UsageError, match="is empty"):
        database(None, file)
