"""The registry's protocol against a fake one: logins, faults, and uploads that break off."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from edgewright.core.errors import (
    Cancelled,
    EdgewrightError,
    Failed,
    NotFound,
    Refused,
    TimedOut,
    Unreachable,
)
from edgewright.forge.progress import Job
from edgewright.oci.pull import blob
from edgewright.oci.push import mount, upload
from edgewright.oci.registry import TRIES, Registry
from tests.oci.fake_registry import FakeRegistry, digest_of

DATA = os.urandom(300_000)


def opened(registry: FakeRegistry, repository: str = "edge/debian", job: Job | None = None) -> Registry:
    return Registry(registry.host, repository, job or Job(), write=True, sleep=lambda seconds: None)


def write_login(home: Path, registry: FakeRegistry, password: str = "secret") -> None:
    path = home / ".docker/config.json"
    path.parent.mkdir(exist_ok=True)
    auth = base64.b64encode(f"user:{password}".encode()).decode()
    path.write_text(json.dumps({"auths": {registry.host: {"auth": auth}}}))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "blob"
    path.write_bytes(DATA)
    return path


@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_a_login_lets_in(registry: FakeRegistry, home: Path, file: Path, auth: str) -> None:
    registry.auth = auth
    write_login(home, registry)
    with opened(registry) as there:
        assert upload(there, digest_of(DATA), file, "x").how == "sent"
    assert registry.blobs["edge/debian", digest_of(DATA)] == DATA


@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_a_wrong_login_names_its_file_and_not_the_password(registry: FakeRegistry, home: Path, auth: str) -> None:
    registry.auth = auth
    write_login(home, registry, "guessed-word")
    with opened(registry) as there, pytest.raises(Refused) as caught:
        there.digest("t", "x")
    assert caught.value.code == "WrongLogin"
    assert "user" in caught.value.message and "config.json" in caught.value.message
    assert "guessed-word" not in caught.value.message + caught.value.hint


def test_no_login_says_where_to_log_in(registry: FakeRegistry) -> None:
    registry.auth = "basic"
    with opened(registry) as there, pytest.raises(Refused) as caught:
        there.digest("t", "x")
    assert caught.value.code == "NoLogin" and f"skopeo login {registry.host}" in caught.value.hint


def test_a_token_that_ended_is_asked_for_again(registry: FakeRegistry, home: Path) -> None:
    registry.auth = "bearer"
    write_login(home, registry)
    with opened(registry) as there:
        assert there.digest("t", "x") is None
        registry.token = "token-2"
        assert there.digest("t", "x") is None
    assert registry.count("GET /token") == 2


def test_the_right_to_push_is_named(registry: FakeRegistry, file: Path) -> None:
    registry.may_push = False
    with opened(registry) as there, pytest.raises(Refused, match="does not allow an anonymous client"):
        upload(there, digest_of(DATA), file, "pushing a layer")


def test_unknown_repository_and_unknown_tag_are_told_apart(registry: FakeRegistry) -> None:
    with opened(registry) as there:
        with pytest.raises(NotFound, match="no such repository"):
            there.manifest("t", "the base")
        registry.put_blob("edge/debian", b"x")
        with pytest.raises(NotFound, match="The base is not at the registry"):
            there.manifest("t", "the base")


def test_a_busy_registry_is_waited_for(registry: FakeRegistry) -> None:
    waited: list[float] = []
    registry.answers = [("HEAD ", 429, {"Retry-After": "2"}), ("HEAD ", 503, {})]
    with Registry(registry.host, "a", Job(), sleep=waited.append) as there:
        assert not there.has_blob("sha256:" + "0" * 64, "x")
    assert sum(waited) == pytest.approx(2 + 2)


@pytest.mark.parametrize(("status", "kind"), [(429, TimedOut), (503, Unreachable), (500, Unreachable)])
def test_one_that_stays_busy_is_told(registry: FakeRegistry, status: int, kind: type[EdgewrightError]) -> None:
    registry.answers = [("HEAD ", status, {})] * TRIES
    with opened(registry) as there, pytest.raises(kind, match=registry.host):
        there.has_blob("sha256:" + "0" * 64, "x")


@pytest.mark.parametrize(("status", "words"), [(413, "this size"), (507, "no room"), (405, "does not do this")])
def test_each_refusal_has_its_sentence(registry: FakeRegistry, status: int, words: str) -> None:
    registry.answers = [("HEAD ", status, {})]
    with opened(registry) as there, pytest.raises(EdgewrightError, match=words):
        there.has_blob("sha256:" + "0" * 64, "x")


def test_nobody_there_is_told(registry: FakeRegistry) -> None:
    registry.close()
    with opened(registry) as there, pytest.raises(Unreachable, match="cannot be reached"):
        there.digest("t", "x")
    registry.__init__()  # type: ignore[misc]  # the fixture closes it again


def test_a_large_blob_goes_in_pieces(registry: FakeRegistry, file: Path) -> None:
    with opened(registry) as there:
        upload(there, digest_of(DATA), file, "x", piece=100_000)
    assert registry.count("PATCH ") == 3
    assert registry.blobs["edge/debian", digest_of(DATA)] == DATA


def test_an_upload_goes_on_where_it_broke_off(registry: FakeRegistry, file: Path) -> None:
    registry.cut_after = [40_000, 0]
    with opened(registry) as there:
        upload(there, digest_of(DATA), file, "x", piece=100_000)
    assert registry.blobs["edge/debian", digest_of(DATA)] == DATA
    assert registry.count("POST ") == 1, "the upload must not have begun anew"


def test_a_small_one_that_broke_off_begins_anew(registry: FakeRegistry, file: Path) -> None:
    registry.cut_after = [40_000]
    with opened(registry) as there:
        upload(there, digest_of(DATA), file, "x")
    assert registry.blobs["edge/debian", digest_of(DATA)] == DATA
    assert registry.count("POST ") == 2


def test_one_that_always_breaks_off_is_told(registry: FakeRegistry, file: Path) -> None:
    registry.cut_after = [0] * 50
    with opened(registry) as there, pytest.raises(Unreachable, match="broke the connection off") as caught:
        upload(there, digest_of(DATA), file, "pushing layer 1 of 1", piece=100_000)
    assert "Nothing was tagged" in caught.value.hint
    assert not registry.blobs and not registry.manifests


def test_an_upload_that_was_forgotten_begins_anew(registry: FakeRegistry, file: Path) -> None:
    registry.answers = [("PATCH ", 404, {})]
    with opened(registry) as there:
        upload(there, digest_of(DATA), file, "x", piece=100_000)
    assert registry.blobs["edge/debian", digest_of(DATA)] == DATA


def test_a_cancelled_upload_is_taken_back(registry: FakeRegistry, file: Path) -> None:
    job = Job(lambda progress: job.cancel() if progress.done else None, every=0)
    job.step("pushing")
    with opened(registry, job=job) as there, pytest.raises(Cancelled):
        upload(there, digest_of(DATA), file, "x", piece=100_000)
    assert not registry.uploads and not registry.blobs


def test_what_is_there_is_not_sent(registry: FakeRegistry, file: Path) -> None:
    registry.put_blob("edge/debian", DATA)
    with opened(registry) as there:
        assert upload(there, digest_of(DATA), file, "x") == ("there", 0)
    assert registry.count("POST ") == 0


def test_a_blob_is_mounted(registry: FakeRegistry) -> None:
    digest = registry.put_blob("base/debian", DATA)
    with opened(registry) as there:
        assert mount(there, digest, "base/debian", "x")
        registry.can_mount = False
        assert not mount(there, digest_of(b"other"), "base/debian", "x")
    assert registry.blobs["edge/debian", digest] == DATA
    assert not registry.uploads, "an upload that was not asked for must be taken back"


@pytest.mark.parametrize("ranges", [True, False])
def test_a_download_goes_on_where_it_broke_off(registry: FakeRegistry, ranges: bool) -> None:
    digest = registry.put_blob("edge/debian", DATA)
    registry.can_range, registry.cut_reads = ranges, [100_000, 0]
    with opened(registry) as there:
        assert b"".join(blob(there, digest, len(DATA), "x")) == DATA


def test_a_blob_that_is_something_else_is_refused(registry: FakeRegistry) -> None:
    digest = registry.put_blob("edge/debian", DATA)
    registry.blobs["edge/debian", digest] = DATA[:-1] + b"x"
    with opened(registry) as there, pytest.raises(Failed) as caught:
        list(blob(there, digest, len(DATA), "a layer"))
    assert caught.value.code in ("DigestMismatch", "Failed")
    registry.blobs["edge/debian", digest] = DATA + b"x"
    with opened(registry) as there, pytest.raises(Failed, match="longer"):
        list(blob(there, digest, len(DATA), "a layer"))


def test_a_place_for_an_upload_that_is_none_is_told(registry: FakeRegistry, file: Path) -> None:
    registry.answers = [("POST ", 202, {"Location": "http://[no-host/x"})] * TRIES
    with opened(registry) as there, pytest.raises(EdgewrightError, match=registry.host):
        upload(there, digest_of(DATA), file, "x", piece=100_000)


def test_an_upload_that_is_sent_elsewhere_does_not_take_the_login_along(
    registry: FakeRegistry, home: Path, file: Path
) -> None:
    registry.auth = "basic"
    write_login(home, registry)
    other = FakeRegistry()
    try:
        other.uploads["u0"] = bytearray()
        there_url = f"http://{other.host}/v2/edge/debian/blobs/uploads/u0"
        with opened(registry) as there:
            there.digest("t", "x")
            registry.answers = [("POST ", 202, {"Location": there_url})]
            upload(there, digest_of(DATA), file, "x")
        assert other.blobs["edge/debian", digest_of(DATA)] == DATA
        assert not any("Authorization" in sent for sent in other.headers)
    finally:
        other.close()
