"""`site recording`: the list, the text of one, playing it in a terminal, and files that are none."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from edgewright.commands.kernel.base import Command
from edgewright.commands.site.shells.recorder import Recorder, folder
from edgewright.commands.site.shells.recordings import SiteRecordingList, SiteRecordingPlay, SiteRecordingShow, file_of
from edgewright.core.errors import InvalidInput, NotFound, UsageError
from tests.support import ROOT


@pytest.fixture
def recorded(quiet_home: Path) -> Path:
    one = Recorder("kairos@edge-1", "Shell on edge-1", "xterm-256color", 80, 24)
    one.output(b"\x1b[31m$ \x1b[0mls\r\n\x1b]0;owned\x07file-1  file-2\r\n\x1b[5;1Hdrawn")
    one.close()
    assert one.path is not None
    return one.path


async def done(command: type[Command], **args: Any) -> Any:
    """Return the result of a verb."""
    ctx: Any = None
    verb = command()
    return (await verb.apply(ctx, await verb.plan(ctx, (), args), args, lambda line: None)).result


async def test_the_list_and_the_text(recorded: Path) -> None:
    (folder() / "20250101T000000Z-other-0000.cast").write_text("nonsense")
    listing = await done(SiteRecordingList)
    assert [item.name for item in listing.items] == [recorded.name, "20250101T000000Z-other-0000.cast"]
    first, second = (item.document for item in listing.items)
    assert first["target"] == "kairos@edge-1" and first["bytes"] == recorded.stat().st_size
    assert second == {"name": "20250101T000000Z-other-0000.cast", "error": "not a recording"}
    assert [item.name for item in (await done(SiteRecordingList, host="edge-1")).items][:1] == [recorded.name]
    assert recorded.name not in [item.name for item in (await done(SiteRecordingList, host="edge-9")).items]
    text = await done(SiteRecordingShow, recording=recorded.name[:15])
    assert text.text.splitlines() == ["$ ls", "file-1  file-2", "drawn"] and text.name == recorded.name


async def test_what_is_not_one_gets_a_sentence(recorded: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no recording edge-9"):
        file_of("edge-9")
    with pytest.raises(NotFound, match="There is no file"):
        file_of(str(tmp_path / "none.cast"))
    with pytest.raises(NotFound, match="There is no file"):
        file_of("~nobody-of-this-name/some.cast")
    (folder() / f"{recorded.name[:15]}Z-zzz-0000.cast").write_text("x")
    with pytest.raises(InvalidInput, match="2 recordings begin with"):
        file_of(recorded.name[:15])
    bad = (
        "",
        "{}",
        '{"version":3}',
        '{"version":2,"width":0,"height":1}',
        "[1]",
        '{"version":2,"width":[]}',
        '{"version":2,"width":Infinity,"height":1}',
        '{"version":2,"width":80,"height":24,"timestamp":NaN}',
        "[" * 9999,
    )
    for text in bad:
        file = tmp_path / "some.cast"
        file.write_text(text + "\n")
        with pytest.raises(InvalidInput, match="is not a recording"):
            await done(SiteRecordingShow, recording=str(file))
    with pytest.raises(UsageError, match="played in a terminal"):
        await done(SiteRecordingPlay, recording=recorded.name)
    with pytest.raises(InvalidInput, match="fast is not a speed"):
        await done(SiteRecordingPlay, recording=recorded.name, speed="fast")


def test_it_is_played_in_a_terminal_without_what_asks_it_for_something(recorded: Path) -> None:
    with recorded.open("a") as file:
        file.write('[0.4,"o","\\u001b]52;c;b3duZWQ=\\u0007\\u001b[6nlast"]\n[0.5,"o"')
        file.write(',"cut \\u001b"]\n[0.6,"o","]52;c;b3duZWQ=\\u0007\\u009d52;c;x\\u0007end"]\n[NaN,"o","x"]\n[0.7,"o"')
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "edgewright", "site", "recording", "play", str(recorded), "--speed", "10"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, stdin=slave, stdout=slave, stderr=subprocess.PIPE, env=environment, timeout=60)
    os.close(slave)
    shown = b""
    while True:
        try:
            shown += os.read(master, 65536)
        except OSError:
            break
    os.close(master)
    assert done.returncode == 0, done.stderr
    assert b"\x1b[31m$ \x1b[0mls\r" in shown and b"last" in shown
    assert b"]52;" not in shown and b"\x1b[6n" not in shown and b"\x1b[?1049l" in shown
