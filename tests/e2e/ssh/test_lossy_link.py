"""A link with 300 ms, 64 kbit/s and 20 % of the packets lost, as TCP of the kernel meets it: connecting and Doctor.

Each try ends in time, with an answer or with a sentence; most have an answer.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from edgewright.clients.ssh.probes.reading import examine
from edgewright.clients.ssh.probes.sets import chosen
from edgewright.core.doctor.diagnose import diagnose
from edgewright.core.errors import EdgewrightError
from tests.clients.ssh.conftest import key_files
from tests.clients.ssh.reach import Laptop
from tests.clients.ssh.wire import Wire, unusable
from tests.e2e.fleet import until
from tests.support import missing

__all__ = ["key_files"]
pytestmark = [pytest.mark.e2e, pytest.mark.core]
LINKS, TRIES = 4, 2
"""Links that are used beside each other, each with losses of its own, and the tries over each."""
CONNECT, READ = 10.0, 120.0
"""Seconds after which each must have ended: those of a connection, and those of all probes."""


@contextmanager
def far_sshd(folder: Path, keys: dict[str, Path], wire: Wire) -> Iterator[Laptop]:
    """Run an sshd at the far end of a link; yield the files of a user who knows it."""
    sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    assert sshd is not None
    config = folder / "sshd_config"
    config.write_text(
        f"Port 22\nListenAddress {wire.there}\nHostKey {keys['host-ed25519']}\nPidFile none\nStrictModes no\n"
        f"UsePAM no\nAuthorizedKeysFile {keys['user'].with_name('user.pub')}\nUseDNS no\nMaxStartups 100\n"
        f"SetEnv HOME={folder}\n"
    )
    process = subprocess.Popen([*wire.inside, sshd, "-D", "-f", str(config)], stdin=subprocess.DEVNULL)
    laptop = Laptop(folder)
    laptop.block("far", 22, keys["user"], "StrictHostKeyChecking accept-new", host=wire.there, user="root")
    try:
        until("sshd listens", 20, lambda: ":0016 00000000:0000 0A" in Path(f"/proc/{process.pid}/net/tcp").read_text())
        yield laptop
    finally:
        process.terminate()
        process.wait(5)


def test_nothing_is_left_at_the_far_end_when_a_link_is_taken_away() -> None:
    if why := unusable():
        missing("e2e", why)
    with Wire() as wire:
        process = subprocess.Popen([*wire.inside, "sh", "-c", "echo runs; exec sleep 60"], stdout=subprocess.PIPE)
        assert process.stdout is not None and process.stdout.readline() == b"runs\n"
    with process:
        try:
            assert process.wait(5) == -signal.SIGKILL
        finally:
            process.kill()


async def tries(laptop: Laptop) -> list[str]:
    """Connect and read the host, one try after the other; return what each came to."""
    said: list[str] = []
    for _ in range(TRIES):
        began = time.monotonic()
        try:
            connection = await laptop.open("far", timeout=CONNECT)
        except EdgewrightError as error:
            assert time.monotonic() - began < CONNECT + 2 and error.message.endswith("."), error.message
            said.append(f"not connected after {time.monotonic() - began:.1f} s: {error.message}")
            continue
        opened = time.monotonic() - began
        try:
            examined = await examine(connection, chosen())
            first = diagnose(examined.facts).first
            assert examined.run.complete and first is not None and first.symptom == "no-route"
            said.append(f"connected in {opened:.1f} s, first cause after {time.monotonic() - began:.1f} s")
        except EdgewrightError as error:
            assert error.message.endswith("."), error.message
            said.append(f"connected in {opened:.1f} s, then {error.message}")
        finally:
            await connection.aclose()
        assert time.monotonic() - began < opened + READ
    return said


async def test_each_try_has_an_answer_or_a_sentence_in_time(key_files: dict[str, Path], tmp_path: Path) -> None:
    if why := unusable():
        missing("e2e", why)
    laptops: list[Laptop] = []
    with ExitStack() as stack:
        for seed in range(1, LINKS + 1):
            folder = tmp_path / str(seed)
            folder.mkdir()
            wire = stack.enter_context(Wire(rate=8000.0, loss=0.2, seed=seed))
            laptops.append(stack.enter_context(far_sshd(folder, key_files, wire)))
        said = [line for each in await asyncio.gather(*map(tries, laptops)) for line in each]
    print("\n" + "\n".join(said))
    answers = [line for line in said if "first cause" in line]
    assert len(answers) >= LINKS * TRIES // 4, said
