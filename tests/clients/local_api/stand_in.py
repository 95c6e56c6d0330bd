"""A STAND-IN for the Local Management API of a Palette host, which cannot be had here: it answers with its samples.

Each sample is checked against the shapes of the description (`tests/spec/local-shapes.json`) by `test_calls.py`.
"""

from __future__ import annotations

import json
import ssl
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

MGMT, HOST = "/v1/edge-mgmt", "/v1/edge-mgmt/edgehosts/current"
USER, PASSWORD, TOKEN = "kairos", "canary-password-7f3a", "canary.token.7f3a"
NIC = {
    "nicName": "eno1", "ip": "10.4.1.7", "macAddr": "52:54:00:12:34:56", "subnet": "255.255.255.0",
    "gateway": "10.4.1.1", "dns": ["10.4.1.1"], "isDefault": True,
}  # fmt: skip
ACCEPTED = {"message": "accepted"}
SAMPLES: dict[str, Any] = {
    "/v1/ping": {"msg": "pong"},
    f"{MGMT}/settings": {"managementMode": "local", "installationMode": "airgap", "featureFlags": {"a": True}},
    HOST: {
        "metadata": {"id": "edge-7f3a-uid", "name": "edge-7f3a", "tags": {}},
        "spec": {
            "connectionMode": "airgap", "managementMode": "local", "nodeRole": "controlplane",
            "hardwareSpec": {
                "archType": "amd64", "cpu": {"cores": 8}, "memory": {"sizeInMB": 32000},
                "disks": [{"controller": "nvme", "size": 480, "vendor": "x", "partitions": [
                    {"mountPoint": "/", "fileSystemType": "ext4", "totalSpace": 29696, "usedSpace": 9200,
                     "freeSpace": 20496}]}],
                "gpus": [{"vendor": "nvidia", "model": "L4"}],
                "os": {"family": "ubuntu", "kernel": "Linux", "kernelVersion": "6.8.0-45", "version": "24.04"},
            },
            "hostInfo": {"hostState": "Ready", "hostType": "metal", "secureBoot": True},
            "networkInfo": [NIC], "paletteEndpointURL": "",
        },
        "status": {
            "agentVersion": "4.8.2", "configurationStatus": "configured", "hostName": "edge-7f3a",
            "isClusterPhase": True, "dns": {"nameservers": ["10.4.1.1"]}, "ntp": {"ntpServers": ["10.4.1.1"]},
        },
    },
    f"{HOST}/configurations": {"httpProxy": "http://10.4.1.3:3128", "noProxy": "10.0.0.0/8", "caCerts": ["x"]},
    f"{HOST}/configurations/status": {"state": "Configured"},
    f"{HOST}/uploaded-content/details": {
        "fileName": "bundle-1.tar.zst", "sha256Hash": "ab" * 32, "sizeInBytes": 1048576,
        "uploadDateTime": "2026-11-29T10:00:00Z",
    },
    f"{HOST}/link/status": {
        "status": "Completed",
        "peers": [{"id": "edge-2", "ip": "10.4.1.8", "role": "follower", "status": "Ready",
                   "health": {"status": "Healthy"}, "contentSyncStatus": "Synced"}],
    },
    f"{HOST}/error-logs": {"items": [{"message": "disk is full", "severity": "Error"}]},
    f"{HOST}/file-download/files": {"files": [{"fileName": "core.1", "size": "10"}]},
    f"{HOST}/generate-logs-status": {"status": "Completed", "msg": "done"},
    f"{MGMT}/events/lifecycle": {"edgeHostEvents": [{"type": "Ready", "status": "True"}], "clusterEvents": []},
    f"{MGMT}/cluster/details": {
        "metadata": {"id": "cluster-1", "name": "shop"},
        "spec": {"hostIDs": ["edge-7f3a-uid"], "vip": "10.4.1.100"},
        "status": {
            "clusterState": "Running", "health": {"status": "Healthy", "reason": ""}, "k8sVersion": "v1.33.3",
            "agentVersion": "4.8.2", "isRebootPending": False, "kubeconfig": "canary-kubeconfig-7f3a",
            "clusterConditions": [{"type": "ControlPlaneReady", "status": "True"}],
            "nodePools": [{
                "pool": {"name": "control-plane", "isControlPlane": True},
                "nodes": [{"nodeName": "edge-7f3a", "nodeState": "Running", "health": {"status": "Healthy"},
                           "ipv4": "10.4.1.7", "k8sVersion": "v1.33.3", "age": "3d"}],
            }],
        },
    },
    f"{MGMT}/cluster/applications": {
        "clusterProfileTemplates": [{"name": "base", "version": "1.0.0", "packs": [
            {"name": "cilium", "version": "1.16", "layer": "cni", "status": "Ready"}]}],
    },
    f"{MGMT}/cluster/certificates": {
        "needsRenewal": False, "earliestAutoRenewalTime": "2027-05-01T00:00:00Z",
        "certificates": [{"name": "ca", "expirationDate": "2036-01-01T00:00:00Z", "childCerts": [
            {"name": "apiserver", "nodeName": "edge-7f3a", "expirationDate": "2027-06-01T00:00:00Z"}]}],
    },
    f"{MGMT}/cluster/events": {"items": [{"reason": "Pulled", "message": "image pulled", "severity": "Normal"}]},
    f"{MGMT}/cluster/registry/health": {
        "State": "Healthy", "DiskUsed": "20Gi", "DiskCapacity": "100Gi", "UsagePercentage": "20", "Message": "",
    },
    f"{MGMT}/cluster/registry/content/sync-status/details": {
        "statusMessage": "1 pending",
        "pendingItems": [{"name": "pause", "contentType": "image", "status": "pending", "version": "3.10"}],
    },
    f"{MGMT}/edgehosts/connectivity/ping": {"pingHostStatus": "1 packets transmitted, 1 received"},
    f"{MGMT}/edgehosts/connectivity/traceroute": {"traceRouteStatus": "1  10.4.1.1  0.3 ms"},
}  # fmt: skip
OPEN = ("/v1/ping", "/v1/users/default/login")


class StandInLocalApi:
    """One server. `answers` are its samples; `wrong` counts refused passwords: 5 lock it."""

    def __init__(self, folder: Path, days: int = 30) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.answers = {path: (200, json.dumps(body).encode()) for path, body in SAMPLES.items()}
        self.asked: list[tuple[str, str, str]] = []
        self.wrong = self.sessions = 0
        self.key, self.certificate = folder / "api.key", folder / "api.crt"
        _self_signed(self.key, self.certificate, days)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        handler = type("Handler", (_Handler,), {"api": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True, do_handshake_on_connect=False)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def __enter__(self) -> StandInLocalApi:
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def _self_signed(key_file: Path, file: Path, days: int) -> None:
    """Make a certificate for `days` from yesterday on; a negative number is one that has ended."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "edge")])
    begin = datetime.now(UTC) - timedelta(days=1 if days > 0 else 400)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + timedelta(days=abs(days) + 1))
        .sign(key, hashes.SHA256())
    )
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    form = serialization.PrivateFormat.PKCS8
    key_file.write_bytes(key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))


class _Handler(BaseHTTPRequestHandler):
    api: StandInLocalApi
    protocol_version = "HTTP/1.1"
    timeout = 20

    def do_GET(self) -> None:
        self._take()

    def do_POST(self) -> None:
        self._take()

    def log_message(self, *args: Any) -> None:
        return

    def _take(self) -> None:
        api, path = self.api, self.path.partition("?")[0]
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        api.asked.append((self.command, self.path, body.decode()))
        if path == "/v1/users/default/login":
            self._login(json.loads(body))
        elif path not in OPEN and self.headers.get("Authorization") != TOKEN:
            self._send(401, b'{"code": "Unauthorized", "message": "no session"}')
        elif path == "/v1/users/default/logout":
            api.sessions -= 1
            self._send(200, b"")
        elif path == f"{HOST}/generate-logs":
            self._send(202, json.dumps(ACCEPTED).encode())
        else:
            self._send(*api.answers.get(path, (404, b'{"code": "NotFound", "message": "nothing there"}')))

    def _login(self, given: Any) -> None:
        api = self.api
        if api.wrong >= 5:
            self._send(429, b'{"code": "TooManyRequests", "message": "try later"}')
        elif given == {"username": USER, "password": PASSWORD}:
            api.sessions += 1
            self._send(200, json.dumps({"Token": {"Authorization": TOKEN}, "IsFirstLogin": False}).encode())
        else:
            api.wrong += 1
            self._send(400, b'{"code": "InvalidCredentials", "message": "wrong"}')

    def _send(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
