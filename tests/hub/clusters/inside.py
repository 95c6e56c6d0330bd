"""A project with a profile and a host in a hub of this process."""

from __future__ import annotations

from typing import Any

import httpx

from edgewright.hub.process.app import Hub
from edgewright.wire import protocol
from edgewright.wire.protocol import clusters as wire
from tests.hub.clusters.plane import CANARY, infrastructure
from tests.hub.people import unique


class InsideSite:
    """The host, its agent's client, and the calls that a test makes."""

    def __init__(self, admin: httpx.AsyncClient, agent: httpx.AsyncClient, host: str, profile: str) -> None:
        self.admin, self.agent, self.host, self.profile = admin, agent, host, profile

    @classmethod
    async def made(cls, hub: Hub, admin: httpx.AsyncClient, number: int, **marks: Any) -> InsideSite:
        """Register a healthy host in the project Default, and publish a profile; `marks` are the host's own."""
        project = hub.state.default_project()
        assert project is not None
        body = {"metadata": {"name": unique("t")}, "spec": {"defaultProjectUid": project.uid}}
        token = (await admin.post(protocol.TOKENS, json=body)).raise_for_status().json()["uid"]
        text = (await admin.get(f"{protocol.TOKENS}/{token}")).json()["spec"]["token"]
        uid = unique("host")
        nic = {"nicName": "eth0", "ip": f"10.9.0.{number}", "subnet": "255.255.255.0", "isDefault": True}
        device = {"archType": "amd64", "nics": [nic]}
        document = {
            "metadata": {"uid": uid},
            "spec": {
                "device": device,
                "host": {"hostUid": uid, "hostAuthToken": text},
                "edgewright": {"registrationId": "a" * 32, **marks},
            },
        }
        answer = (await admin.post(protocol.HOST_REGISTER, json=document)).raise_for_status().json()
        headers = {"Authorization": answer["status"]["serviceAuthToken"]}
        agent = httpx.AsyncClient(transport=admin._transport, base_url="http://hub", headers=headers)
        beat = {"state": "healthy", "agentVersion": "0.1.0", "edgewright": {"seq": 1, "bootId": "b"}}
        (await agent.patch(protocol.path(protocol.HOST_HEALTH, uid=uid), json=beat)).raise_for_status()
        made = await admin.post(protocol.PROFILES, json=infrastructure(), params={"publish": "true"})
        return cls(admin, agent, uid, made.raise_for_status().json()["uid"])

    def body(self, name: str = "") -> dict[str, Any]:
        """Return the body of a cluster of the host."""
        hosts = [{"hostUid": self.host}]
        pool = {"name": "cp", "size": 1, "labels": ["control-plane"], "isControlPlane": True}
        spec = {
            "cloudConfig": {"controlPlaneEndpoint": {"host": "10.9.0.200", "type": "VIP"}},
            "machinepoolconfig": [{"cloudConfig": {"edgeHosts": hosts}, "poolConfig": pool}],
            "profiles": [{"uid": self.profile, "variables": [{"name": "password", "value": CANARY}]}],
        }
        return {"metadata": {"name": name or unique("c")}, "spec": spec}

    async def create(self) -> str:
        """Create a cluster of the host; returns its uid."""
        return str((await self.admin.post(wire.CREATE, json=self.body())).raise_for_status().json()["uid"])

    async def observe(self, uid: str, **values: Any) -> httpx.Response:
        """Report a formed cluster whose node is ready."""
        nodes = [{"name": self.host, "ready": True, "version": "v1.36.3"}]
        proof = {"at": "2026-11-28T22:00:00Z", "caSpkiSha256": "cd" * 32, "kubeSystemUid": "0" * 36}
        body = {"leaseTransitions": 1, "nodes": nodes, "bootstrap": proof, **values}
        return await self.agent.put(protocol.path(wire.OBSERVED, uid=uid), json=body)
