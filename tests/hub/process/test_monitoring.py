"""What a hub reports to monitoring: metrics that a parser of the format reads, probes with reasons, JSON logs."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import socket
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from edgewright.hub.http.routing import Message
from edgewright.hub.process.logs import JsonLines, TextLines
from edgewright.hub.process.observe import requests
from edgewright.hub.process.observe.exposition import Family, Histogram, Sample, render
from edgewright.hub.process.observe.gather import Census
from edgewright.hub.process.observe.readiness import Fact, as_document
from edgewright.hub.process.observe.requests import Measured, RequestMeter, route_class
from edgewright.hub.process.runtime.service import report_life, watchdog_seconds
from edgewright.hub.readmodel.pace import Pace
from edgewright.wire import protocol
from tests.hub_fixture import RunningHub

_SAMPLE = re.compile(r'^([a-zA-Z_:][\w:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*",?)*)\})? (\S+)$')
_LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\\n]|\\[\\"n])*)"')
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parse(text: str) -> Samples:
    """Read the text format strictly: HELP and TYPE before samples, families together, no series twice."""
    assert text.endswith("\n")
    kinds: dict[str, str] = {}
    family, result = "", Samples()
    for line in text.splitlines():
        if line.startswith("# HELP "):
            family = line.split()[2]
            assert family not in kinds, f"{family} comes twice"
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            assert name == family and kind in ("counter", "gauge", "histogram")
            kinds[name] = kind
        else:
            match = _SAMPLE.match(line)
            assert match, line
            name, labels, value = match.groups()
            suffixes = ("_bucket", "_sum", "_count") if kinds[family] == "histogram" else ("",)
            assert name in {family + suffix for suffix in suffixes}, line
            assert kinds[family] != "counter" or family.endswith("_total"), family
            key = name, frozenset(_LABEL.findall(labels or ""))
            assert key not in result, f"{key} comes twice"
            result[key] = float(value)
    return result


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[name, frozenset(labels.items())]


def test_the_format_escapes_labels_and_sums_buckets() -> None:
    times = Histogram((0.1, 1.0))
    for seconds in (0.1, 0.5, 7.0):
        times.observe(seconds)
    text = render([Family("t_seconds", "histogram", "T.", times.samples({"route": 'a"\\\n'}))])
    samples = {line.rsplit(" ", 1)[0]: line.rsplit(" ", 1)[1] for line in text.splitlines()[2:]}
    escaped = 'route="a\\"\\\\\\n"'
    assert samples[f't_seconds_bucket{{{escaped},le="0.1"}}'] == "1"
    assert samples[f't_seconds_bucket{{{escaped},le="1"}}'] == "2"
    assert samples[f't_seconds_bucket{{{escaped},le="+Inf"}}'] == samples[f"t_seconds_count{{{escaped}}}"] == "3"
    parse(text)
    assert render([Family("x", "gauge", "X.", (Sample(True),))]).endswith("x 1\n")


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("PATCH", "/v1/edgehosts/h1/health", "heartbeat"),
        ("POST", protocol.HEARTBEAT_SHORT, "heartbeat"),
        ("GET", protocol.path(protocol.HOST_WAKE, uid="h1"), "wake"),
        ("GET", "/wake", "other"),
        ("GET", protocol.path(protocol.BLOB, digest="a" * 64), "blobs"),
        ("POST", "/edgewright/v1/hosts/h1/operations", "hosts"),
        ("GET", "/v1/edgehosts/h1", "hosts"),
        ("POST", "/v1/edgehosts/register", "registration"),
        ("GET", protocol.CHANGES, "stream"),
        ("GET", "/wp-admin/setup.php", "other"),
    ],
)
def test_requests_have_few_classes(method: str, path: str, kind: str) -> None:
    assert route_class(method, path) == kind


def test_the_hub_has_metrics_for_users_with_a_role_only(hub: RunningHub) -> None:
    assert hub.anonymous().get("/metrics").status_code == 401
    _, token = hub.token("metrics")
    host = hub.host("metrics-host", token)
    assert host.patch("/v1/edgehosts/metrics-host/health", json={"state": "healthy"}).status_code == 204
    assert host.get("/metrics").status_code == 403
    answer = hub.viewer().get("/metrics")
    assert answer.status_code == 200, answer.text + str(hub.log()[-1:])
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    samples = parse(answer.text)
    assert value(samples, "edgewright_hub_heartbeats_total") >= 1
    assert value(samples, "edgewright_hub_requests_total", route="heartbeat", code="204") >= 1
    assert value(samples, "edgewright_hub_request_seconds_bucket", route="heartbeat", le="+Inf") >= 1
    assert value(samples, "edgewright_hub_refused_credentials_total") >= 1
    assert value(samples, "edgewright_hub_ready", check="storage") == 1
    assert value(samples, "edgewright_hub_ready", check="certificate") == 1
    assert value(samples, "edgewright_hub_requests_open") >= 1
    assert sum(count for (name, _), count in samples.items() if name == "edgewright_hub_hosts") >= 1
    assert value(samples, "edgewright_hub_write_jobs_total") >= value(samples, "edgewright_hub_streams_open")
    assert "metrics-host" not in answer.text and token not in answer.text


def test_anyone_may_ask_whether_the_hub_is_alive_and_ready(hub: RunningHub) -> None:
    client = hub.client(ApiKey="ewk_" + "stale" * 8)
    assert client.get("/healthz").json() == {"alive": True}
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["ready"]) == (200, True)
    assert {check["name"] for check in answer.json()["checks"]} >= {"storage", "certificate", "changes"}


def test_a_hub_that_may_not_serve_gives_the_reasons() -> None:
    document = as_document([Fact("storage", "disk full"), Fact("certificate", "")])
    assert document == {
        "ready": False,
        "checks": [{"name": "storage", "ready": False, "reason": "disk full"}, {"name": "certificate", "ready": True}],
    }


async def test_a_request_that_waits_for_work_is_not_a_slow_one(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may last 600 s (rule P77): one line of the log for each host every 10 minutes would be no news."""
    clock = iter(range(0, 10_000, 600))
    monkeypatch.setattr(requests, "perf_counter", lambda: float(next(clock)))
    meter = RequestMeter()

    async def app(_scope: object, _receive: object, send: object) -> None:
        await send({"type": "http.response.start", "status": 204})  # type: ignore[operator]

    async def nothing(_message: Message | None = None) -> Message:
        return {}

    for path in (protocol.path(protocol.HOST_WAKE, uid="h1"), protocol.path(protocol.OPERATIONS, uid="h1")):
        await Measured(app, meter)({"type": "http", "method": "GET", "path": path}, nothing, nothing)  # type: ignore[arg-type]
    assert [record.request["route"] for record in caplog.records] == ["hosts"]  # type: ignore[attr-defined]
    assert set(meter.times) == {"hosts"} and meter.answered["wake", 204] == 1


def test_a_failed_request_is_logged_without_its_query_and_secrets(caplog: pytest.LogCaptureFixture) -> None:
    async def app(_scope: object, _receive: object, send: object) -> None:
        await send({"type": "http.response.start", "status": 503})  # type: ignore[operator]

    async def receive() -> Message:
        return {}

    async def sent(_message: Message) -> None:
        return None

    meter, secret = RequestMeter(), "ewk_" + "a" * 30
    scope = {"type": "http", "method": "GET", "path": f"/v1/users/{secret}", "query_string": b"key=x", "client": None}
    with caplog.at_level(logging.WARNING, "edgewright.hub"):
        logging.getLogger("edgewright.hub").propagate = True
        asyncio.run(Measured(app, meter)(scope, receive, sent))
    (record,) = caplog.records
    line = json.loads(JsonLines().format(record))
    assert line["time"].endswith("Z") and line["level"] == "warning"
    assert line["request"]["status"] == 503 and line["request"]["path"] == "/v1/users/ewk_[hidden]"
    assert "key=x" not in json.dumps(line)
    assert meter.answered == {("users", 503): 1} and meter.open == 0
    assert TextLines().format(record).endswith(" warning a request failed")


def test_counting_a_large_fleet_gives_way_to_the_event_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    class Healthy:
        def __init__(self, *_: object) -> None:
            self.entry = None

        def health(self) -> str:
            return "healthy"

    monkeypatch.setattr("edgewright.hub.process.observe.gather.View", Healthy)
    entry = SimpleNamespace(record=SimpleNamespace(state="ready"))
    hub: Any = SimpleNamespace(renderer=None, state=SimpleNamespace(hosts=dict.fromkeys(range(100_000), entry)))

    async def count() -> float:
        longest = 0.0

        async def watch() -> None:
            nonlocal longest
            last = time.thread_time()
            while True:
                await asyncio.sleep(0)
                longest, last = max(longest, time.thread_time() - last), time.thread_time()

        watcher = asyncio.create_task(watch())
        await asyncio.sleep(0)
        counted = await Census(hub).count(Pace.alone())
        watcher.cancel()
        assert counted == {("ready", "healthy"): 100_000}
        return longest

    assert asyncio.run(count()) < 0.010


def test_the_service_manager_gets_ready_watchdog_and_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "n"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "n"))
        monkeypatch.setenv("WATCHDOG_USEC", "20000")
        monkeypatch.delenv("WATCHDOG_PID", raising=False)
        manager.settimeout(2)

        async def live() -> None:
            task = asyncio.create_task(report_life())
            await asyncio.sleep(0.05)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        asyncio.run(live())
        messages = [manager.recv(64)]
        while messages[-1] != b"STOPPING=1":
            messages.append(manager.recv(64))
    assert messages[0] == b"READY=1" and b"WATCHDOG=1" in messages
    monkeypatch.setenv("WATCHDOG_PID", "1")
    assert watchdog_seconds() is None
