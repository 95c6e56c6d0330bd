"""`/metrics` of a hub, read by the parser of Prometheus' own client library."""

from __future__ import annotations

import sys

import pytest

from tests.deploy import parts
from tests.hub_fixture import running_hub

pytestmark = pytest.mark.e2e


def test_prometheus_reads_every_metric() -> None:
    folder = parts.library(parts.PARSER)
    sys.path.append(folder)
    try:
        from prometheus_client.parser import text_string_to_metric_families  # type: ignore[import-not-found]
    finally:
        sys.path.remove(folder)
    with running_hub() as hub:
        _, token = hub.token()
        host = hub.host("edge-1", token)
        beat = {"state": "healthy", "edgewright": {"seq": 1, "bootId": "b"}}
        assert host.patch("/v1/edgehosts/edge-1/health", json=beat).status_code == 204
        assert hub.anonymous().get("/metrics").status_code == 401
        answer = hub.client().get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    typed = [line.split()[2].removesuffix("_total") for line in answer.text.splitlines() if line.startswith("# TYPE")]
    assert sorted(typed) == sorted(families) and len(families) >= 20
    assert all(family.type != "unknown" and family.documentation for family in families.values())
    hosts = {tuple(sorted(sample.labels.items())): sample.value for sample in families["edgewright_hub_hosts"].samples}
    assert sum(hosts.values()) == 1
    for family in families.values():
        assert family.name.startswith(("edgewright_hub_", "process_"))
        if family.type == "counter":
            assert all(sample.name.endswith("_total") for sample in family.samples), family.name
        if family.type == "histogram":
            _check_histogram(family)


def _check_histogram(family: object) -> None:
    """Buckets rise, the last one is +Inf and equals the count."""
    series: dict[tuple[tuple[str, str], ...], list[tuple[float, float]]] = {}
    counts: dict[tuple[tuple[str, str], ...], float] = {}
    for sample in family.samples:  # type: ignore[attr-defined]
        labels = tuple(sorted((key, value) for key, value in sample.labels.items() if key != "le"))
        if sample.name.endswith("_bucket"):
            series.setdefault(labels, []).append((float(sample.labels["le"]), sample.value))
        elif sample.name.endswith("_count"):
            counts[labels] = sample.value
    assert set(series) == set(counts)
    for labels, buckets in series.items():
        values = [value for _, value in sorted(buckets)]
        assert values == sorted(values) and sorted(buckets)[-1] == (float("inf"), counts[labels])
