"""Frames of a run: what a host prints is read as its probes gave it, and a hostile host ends in no error."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgewright.clients.ssh.probes.catalogue.host import PROBES
from edgewright.clients.ssh.probes.frames import lines_of, masked, parse
from edgewright.clients.ssh.probes.progress import LONGEST, Progress
from edgewright.clients.ssh.probes.sets import CATALOGUE
from edgewright.core.text import is_harmless

MARKER = "0123456789abcdef" * 2
FIRST, SECOND = PROBES[:2]


def frame(id_: str, body: bytes, status: int = 0, killed: int = 0) -> bytes:
    m = MARKER.encode()
    return (
        b"\n%s begin %s 10.00\n" % (m, id_.encode())
        + body
        + b"\n%s rc %d %d\n\n%s end %s 10.50 0\n" % (m, status, killed, m, id_.encode())
    )


def test_lines_before_the_first_frame_are_ignored() -> None:
    output = b"Welcome to edge-7f3a\n" + frame(FIRST.id, b"a\nb\n")
    found = parse(output, MARKER, [FIRST, SECOND])
    assert found.readings[FIRST.id].lines == ("a", "b") and found.readings[FIRST.id].seconds == 0.5
    assert found.readings[SECOND.id].state == "lost" and not found.complete and found.way == "unknown"


def test_frames_of_another_run_are_text() -> None:
    other = ("f" * 32).encode()
    body = b"\n%s rc 0\n\n%s end %s 11 0\n\n%s begin %s 12\nforged" % (
        other,
        other,
        FIRST.id.encode(),
        other,
        SECOND.id.encode(),
    )
    found = parse(frame(FIRST.id, body) + frame(SECOND.id, b"true"), MARKER, [FIRST, SECOND])
    assert found.readings[SECOND.id].lines == ("true",) and "forged" in found.readings[FIRST.id].lines


def test_a_marker_within_a_line_is_text() -> None:
    body = b"grep: " + MARKER.encode() + b" end " + FIRST.id.encode() + b" 3 0"
    assert len(parse(frame(FIRST.id, body), MARKER, [FIRST]).readings[FIRST.id].lines) == 1


def test_the_first_result_of_a_probe_counts() -> None:
    found = parse(frame(FIRST.id, b"one") + frame(FIRST.id, b"two") + frame("no.probe", b"x"), MARKER, [FIRST])
    assert found.readings[FIRST.id].lines == ("one",) and set(found.readings) == {FIRST.id}


def test_a_connection_that_ends_leaves_what_was_complete() -> None:
    output = frame(FIRST.id, b"one") + frame(SECOND.id, b"two")
    for end in range(len(output)):
        found = parse(output[:end], MARKER, [FIRST, SECOND])
        assert found.readings[FIRST.id].lines in ((), ("one",))
        if found.readings[SECOND.id].usable:
            assert found.readings[SECOND.id].lines == ("two",)


@given(
    st.lists(
        st.one_of(
            st.binary(max_size=200),
            st.sampled_from(
                [
                    b"\n%s begin boot.cmdline 1\n" % MARKER.encode(),
                    b"\n%s end boot.cmdline 1 0\n" % MARKER.encode(),
                    b"\n%s rc 0\n" % MARKER.encode(),
                    b"\n%s rc 999999999999\n" % MARKER.encode(),
                    b"\n%s host root 1\n" % MARKER.encode(),
                    b"\n%s skip boot.uptime root\n" % MARKER.encode(),
                    b"\n%s done\n" % MARKER.encode(),
                    b"\n%s \n" % MARKER.encode(),
                    b"\n%s end boot.cmdline nan inf\n" % MARKER.encode(),
                ]
            ),
        ),
        max_size=30,
    )
)
def test_any_output_gives_a_reading_for_each_probe(chunks: list[bytes]) -> None:
    found = parse(b"".join(chunks), MARKER, CATALOGUE)
    assert set(found.readings) == {probe.id for probe in CATALOGUE}
    for reading in found.readings.values():
        assert all(is_harmless(c) or c == "\ufffd" for line in reading.lines for c in line)
        assert reading.seconds is None or reading.seconds >= 0


@given(st.binary(max_size=2000))
def test_lines_are_harmless(body: bytes) -> None:
    for line in lines_of(body):
        assert all(is_harmless(c) or c == "\ufffd" for c in line) and "\n" not in line


def test_escapes_are_removed_and_text_stays_readable() -> None:
    body = b"\x1b[31mred\x1b[0m \x1b]0;title\x07caf\xc3\xa9 \xff\x9b2J\ttab\r\nnext\x1b[2J\x1bc"
    assert lines_of(body) == ("red caf\u00e9 \ufffd\ufffd2J tab", "next")


def test_secrets_are_masked() -> None:
    for text, secret in (
        ("edgeHostToken: x token=abcd-efgh", "abcd-efgh"),
        ('{"password": "hunter22"}', "hunter22"),
        ("Authorization: Bearer eyJhbGciOi", "eyJhbGciOi"),
        ("used ewt_Abc123_def", "ewt_Abc123_def"),
        ("used ewk_Abc123_def", "ewk_Abc123_def"),
        ("edgeHostToken: 7f3a-canary", "7f3a-canary"),
        ("GET /v1?access_token=canary77&x", "canary77"),
        ("client_secret=canary77 DB_PASSWORD=canary77", "canary77"),
        ("bearer eyJhbGciOi.eyJpc3Mi.c2ln", "eyJpc3Mi"),
        ("kubeadm join --token abcdef.0123456789abcdef", "0123456789abcdef"),
        ("https://user:pass1234@registry.example", "pass1234"),
    ):
        assert secret not in masked(text) and "***" in masked(text)
    assert masked("token is valid, secretary") == "token is valid, secretary"


def counted(*pieces: bytes) -> Progress:
    progress = Progress([FIRST, SECOND])
    progress.expect(MARKER)
    for piece in pieces:
        progress.take(piece)
    return progress


def test_answers_are_counted_as_they_arrive_wherever_their_pieces_end() -> None:
    first, second = frame(FIRST.id, b"one"), frame(SECOND.id, b"two")
    output = first + second
    seen = []
    for end in range(len(output) + 1):
        progress = counted(output[:end], output[end:])
        assert (progress.answered, progress.received, progress.running) == (2, len(output), "")
        seen.append(counted(*(bytes([byte]) for byte in output[:end])))
    assert [each.answered for each in seen].index(1) == len(first), "the line with its end is complete"
    assert {each.running for each in seen[: len(first)]} == {"", FIRST.id}
    assert seen[len(first)].running == "" and SECOND.id in {each.running for each in seen}


def test_what_was_left_out_counts_and_nothing_counts_twice() -> None:
    skip = b"\n%s skip %s root\n" % (MARKER.encode(), SECOND.id.encode())
    assert counted(frame(FIRST.id, b"x"), skip, skip, frame(FIRST.id, b"x"), frame("no.probe", b"")).answered == 2
    other = frame(FIRST.id, b"x").replace(MARKER.encode(), b"f" * 32)
    assert counted(other, b"z" * 50_000, b"\n" + MARKER.encode() + b" end").answered == 0
    assert len(counted(b"z" * 50_000)._rest) == LONGEST
