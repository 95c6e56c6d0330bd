"""What chart and compose file do: two hubs start at once on an empty database, with a key file made by openssl."""

from __future__ import annotations

import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests import postgres
from tests.e2e.fleet import until
from tests.support import ROOT, missing

pytestmark = pytest.mark.e2e


def _ask(url: str) -> tuple[int, Any]:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with urllib.request.urlopen(url + "/readyz", timeout=5, context=context) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())
    except OSError:
        return 0, {}


def test_two_hubs_start_at_once_on_an_empty_database(tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        missing("e2e", "openssl is not installed")
    command = "openssl rand -base64 32 | tr '+/' '-_'"
    key = subprocess.run(["sh", "-c", command], check=True, capture_output=True).stdout
    hubs: list[subprocess.Popen[str]] = []
    with postgres.cluster() as server:
        (tmp_path / "url").write_text(server.url(server.create()) + "\n")
        try:
            for name in ("a", "b"):
                (tmp_path / name).mkdir(mode=0o700)
                (tmp_path / name / "secret.key").write_bytes(key)
                (tmp_path / name / "secret.key").chmod(0o600)
                words = ["serve", "--data", str(tmp_path / name), "--db-file", str(tmp_path / "url")]
                words += ["--listen", "127.0.0.1:0", "-o", "json", "--log-format", "json"]
                hub = subprocess.Popen(
                    [sys.executable, "-m", "edgewright.hub.process.cli", *words],
                    stdout=subprocess.PIPE, stderr=(tmp_path / f"{name}.log").open("w"), text=True,
                    env={**os.environ, "PYTHONPATH": str(ROOT)},
                )  # fmt: skip
                hubs.append(hub)
            lines = [hub.stdout.readline() for hub in hubs if hub.stdout is not None]
            logs = [(tmp_path / f"{name}.log").read_text() for name in ("a", "b")]
            assert all(lines), logs
            urls = [json.loads(line)["url"] for line in lines]
            assert (tmp_path / "a" / "ca.crt").read_bytes() == (tmp_path / "b" / "ca.crt").read_bytes()
            for url in urls:
                until(f"{url} is ready", 30, lambda url=url: _ask(url)[0] == 200)  # type: ignore[misc]
            hubs[0].send_signal(signal.SIGTERM)
            assert hubs[0].wait(40) == 0
            assert _ask(urls[1])[0] == 200, "the other one serves"
            server.stop()
            until("a hub without its database is not ready", 30, lambda: _ask(urls[1])[0] == 503)
            reasons = {check["name"]: check.get("reason") for check in _ask(urls[1])[1]["checks"]}
            assert reasons["storage"] and "postgresql+psycopg" not in str(reasons), reasons
            server.start()
            until("it continues by itself", 60, lambda: _ask(urls[1])[0] == 200)
            log = (tmp_path / "b.log").read_text()
            assert "the storage fails" in log and "Traceback" not in log, log
        finally:
            for hub in hubs:
                if hub.poll() is None:
                    hub.kill()
                    hub.wait(10)
