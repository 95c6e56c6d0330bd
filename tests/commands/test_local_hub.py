"""A hub of this machine: started, found again, stopped; its data in use by another is told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from edgewright.commands.local_hub import LocalHub
from edgewright.core.errors import Failed
from tests.support import ROOT


async def test_it_starts_is_found_again_and_stops(tmp_path: Path) -> None:
    said: list[str] = []
    hub = LocalHub(tmp_path / "hub", "127.0.0.1:0")
    assert not hub.running()
    info = await hub.start(said.append)
    try:
        assert hub.running() and info.ca.is_file() and info.key_file.is_file()
        again = LocalHub(tmp_path / "hub")
        assert again.running() and await again.start(said.append) == info
        assert said[-1].startswith("A hub runs here already at ")
        path = await hub.token_file(info, "x", tmp_path / "token")
        assert path.read_text().startswith("ewt_") and path.stat().st_mode & 0o777 == 0o600
    finally:
        await hub.stop()
    assert not hub.running()


async def test_a_hub_that_cannot_start_says_why_in_its_own_words(tmp_path: Path) -> None:
    first = LocalHub(tmp_path / "hub", "127.0.0.1:0")
    await first.start(lambda line: None)
    try:
        (tmp_path / "hub" / "local.json").unlink()
        with pytest.raises(Failed, match="The hub did not start: "):
            await LocalHub(tmp_path / "hub", "127.0.0.1:0").start(lambda line: None)
    finally:
        first._write_note(hub=first._children["hub"].pid)
        await first.stop()


async def test_a_hub_whose_admin_key_is_elsewhere_is_a_sentence_and_ends(tmp_path: Path) -> None:
    first = LocalHub(tmp_path / "hub", "127.0.0.1:0")
    await first.start(lambda line: None)
    await first.stop()
    (tmp_path / "hub" / "admin-api-key").unlink()
    again = LocalHub(tmp_path / "hub", "127.0.0.1:0")
    with pytest.raises(Failed, match="has no admin key file") as told:
        await again.start(lambda line: None)
    assert "--new-admin-key" in told.value.hint and not again.running()


def test_a_demonstration_ends_with_everything_it_started(tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "TMPDIR": str(tmp_path),
        "EDGEWRIGHT_HOME": str(tmp_path / "h"),
    }
    words = [sys.executable, "-m", "edgewright", "demo", "--hosts", "3", "--no-console", "-o", "json"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as demo:
        assert demo.stdout is not None
        told = json.loads(demo.stdout.readline())
        import ssl

        context = ssl.create_default_context(cafile=told["ca"])
        with urllib.request.urlopen(f"{told['url']}/edgewright/v1/features", context=context) as answer:
            assert json.load(answer)["product"] == "edgewright-hub"
        demo.send_signal(signal.SIGINT)
        assert demo.wait(30) == 0
    assert list(tmp_path.glob("edgewright-demo-*")) == []
