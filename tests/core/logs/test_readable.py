"""Lines as programs of Kubernetes and Palette write them."""

from __future__ import annotations

import json

import pytest

from edgewright.core.logs.readable import DEBUG, ERROR, INFO, MOST_FIELDS, NOTICE, WARNING, level_of, read


@pytest.mark.parametrize(
    ("text", "level", "message", "rest"),
    [
        (
            '{"level":"error","ts":"2026-11-29T19:47Z","logger":"palette","caller":"a.go:12","msg":"no way","err":"x"}',
            ERROR, "no way", (("logger", "palette"), ("caller", "a.go:12"), ("err", "x")),
        ),
        ('{"level":"warning","msg":"slow","time":"2026-11-29T19:47:22Z","n":3}', WARNING, "slow", (("n", "3"),)),
        ('{"ts":1580306777.04728,"caller":"x.go:1","msg":"Pod status","v":4,"pod":{"name":"a"}}', NOTICE, "Pod status",
         (("caller", "x.go:1"), ("v", "4"), ("pod", '{"name":"a"}'))),
        ('{"ts":1580306777.04,"caller":"x.go:1","msg":"failed","err":"timeout"}', ERROR, "failed",
         (("caller", "x.go:1"), ("err", "timeout"))),
        ('{"time":"x","level":"INFO","msg":"slog"}', INFO, "slog", ()),
        ('{"level":20,"msg":"bunyan","time":1}', DEBUG, "bunyan", ()),
        ('{"severity":"WARNING","message":"m"}', WARNING, "m", ()),
        ('I1129 19:47:22.123456    1234 kubelet.go:2345] "SyncLoop ADD" source="api"', INFO,
         '"SyncLoop ADD" source="api"', (("caller", "kubelet.go:2345"),)),
        ("E1129 19:47:22.123456       1 leader.go:7] lost lease", ERROR, "lost lease", (("caller", "leader.go:7"),)),
        ('time="2026-11-29T19:47:22.1Z" level=warning msg="cleanup \\"x\\"" id=ab12', WARNING, 'cleanup "x"',
         (("id", "ab12"),)),
    ],
)  # fmt: skip
def test_known_forms(text: str, level: int, message: str, rest: tuple[tuple[str, str], ...]) -> None:
    assert read(text, NOTICE) == (level, message, rest)
    assert level_of(text, NOTICE) == level


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "{}", "[1]", "{not json}", '{"a":1}', '{"msg":{"a":1}}', "E1129 but no klog",
        "level=info and then words",        'level=info msg="open', '{"a":' * 3000, "null",
    ],
)  # fmt: skip
def test_everything_else_is_a_message_of_its_journals_priority(text: str) -> None:
    assert read(text, NOTICE) == (NOTICE, text, ())
    assert level_of(text, NOTICE) == NOTICE


def test_what_json_had_escaped_cannot_steer_the_terminal() -> None:
    found = read(json.dumps({"msg": "a\x1b[2Jb\nc", "k\x1b": "\u202ev", "level": "info"}))
    assert found.message == "a\ufffd[2Jb c" and found.rest == (("k\ufffd", "\ufffdv"),)


def test_fields_are_bounded() -> None:
    many = {"msg": "m", **{f"k{number}": "v" * 1000 for number in range(200)}}
    found = read(json.dumps(many))
    assert len(found.rest) == MOST_FIELDS + 1 and found.rest[-1] == ("…", "")
    assert max(len(value) for _, value in found.rest) == 400
