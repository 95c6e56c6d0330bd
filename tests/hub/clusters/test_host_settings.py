"""Time servers and SSH keys of a cluster: in its document at once, and a host that cannot set them is named."""

from __future__ import annotations

from typing import Any

import pytest

from edgewright.core.clusters.document import read
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire
from tests.hub.clusters.plane import Site
from tests.hub_fixture import RunningHub

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0 ops@example"


def change(site: Site, uid: str, **values: Any) -> Any:
    config = site.get(uid)["spec"]["cloudConfigRef"]["uid"]
    return site.admin.put(protocol.path(wire.CLUSTER_CONFIG, configUid=config), json={"clusterConfig": values})


def test_a_change_is_a_new_document_of_all_members(hub: RunningHub) -> None:
    site = Site(hub, 2)
    uid = site.create(controls=1, workers=1)
    before = [read(site.desired(uid, host)["document"]) for host in site.hosts]
    assert change(site, uid, ntpServers=["10.0.0.1"], sshKeys=[KEY]).status_code == 204
    after = [read(site.desired(uid, host)["document"]) for host in site.hosts]
    assert {document.digest for document in after} != {document.digest for document in before}
    assert [(item.host_settings.ntp, item.host_settings.ssh_keys) for item in after] == [(("10.0.0.1",), (KEY,))] * 2
    assert change(site, uid, ntpServers=[], sshKeys=[]).status_code == 204
    assert read(site.desired(uid, site.hosts[0])["document"]).host_settings == before[0].host_settings


@pytest.mark.parametrize(
    "values",
    [
        {"ntpServers": ["a b"]},
        {"ntpServers": ["x\nFallbackNTP=y"]},
        {"sshKeys": ["no key"]},
        {"sshKeys": [KEY + "\nx y"]},
    ],
)
def test_what_would_be_another_line_of_a_file_of_a_host_is_refused(hub: RunningHub, values: dict[str, Any]) -> None:
    site = Site(hub, 1)
    uid = site.create(controls=1)
    answer = change(site, uid, **values)
    assert answer.status_code in (400, 422), answer.text
    assert read(site.desired(uid, site.hosts[0])["document"]).host_settings.ntp == ()


def test_a_host_that_cannot_is_named_by_a_condition_until_it_can(hub: RunningHub) -> None:
    site = Site(hub, 1)
    uid, (host,) = site.create(controls=1), site.hosts
    reason = "The time servers of the cluster are not set: neither runs."
    assert site.report(uid, host, settings=reason).status_code == 204

    def named() -> list[str]:
        rows = site.get(uid)["status"]["conditions"]
        return [row["message"] for row in rows if row["type"] == "HostSettingsNotApplied"]

    (message,) = named()
    assert message.endswith(f": {reason}")
    assert site.report(uid, host).status_code == 204
    assert named() == []
