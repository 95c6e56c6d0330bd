"""Images come into containerd in one stream; what that leaves is imported image by image, so that an error names it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from edgewright.agent.clusters.content.store import ContentStore
from edgewright.agent.clusters.context import Context
from edgewright.agent.clusters.host import Ended
from edgewright.agent.clusters.machine.runtime import LABELS, Preload
from edgewright.agent.reconcile.steps import Seen
from edgewright.core.clusters import model
from edgewright.core.errors import Failed
from tests.agent.clusters.support import DIGEST, FakeHost, cluster, context


class Containerd:
    """Not real: the images that its client has imported, by the fake host's commands."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, refuses: str = "") -> None:
        self.host = FakeHost(folder)
        self.images: dict[str, tuple[str, str]] = {}
        self.refuses = refuses
        store = ContentStore(self.host)
        names = {}
        for name in ("r/a:1", "r/b:1", "r/c:1"):
            config = store.add(json.dumps({"of": name}).encode())
            manifest = {"config": {"digest": config, "size": 1}, "layers": []}
            names[name] = store.add(json.dumps(manifest).encode())
        self.names = names
        monkeypatch.setattr(Context, "images", lambda context: names)
        document = cluster(images=tuple(model.Image(name, digest) for name, digest in names.items()))
        self.work = context(self.host, document)
        self.host.answers.append(self.answer)
        self.streams: list[list[str]] = []
        monkeypatch.setattr("edgewright.agent.clusters.machine.runtime.write_archive", self.write)

    def write(self, file: object, store: object, names: dict[str, str]) -> None:
        self.streams.append(sorted(names))

    def answer(self, command: Sequence[str]) -> Ended | None:
        if "list" in command:
            rows = [f"{name} type {digest} 1 MiB linux/amd64 {text}" for name, (digest, text) in self.images.items()]
            return Ended(0, "\n".join(["REF TYPE DIGEST", *rows]))
        if "label" in command:
            name = command[command.index("label") + 1]
            self.images[name] = (self.images[name][0], ",".join(command[command.index("label") + 2 :]))
        return None

    def stream(self, command: Sequence[str], environment: object = None, feed: object = None) -> int:
        self.host.commands.append(list(command))
        assert callable(feed)
        feed(None)
        names = self.streams[-1]
        if self.refuses in names:
            return 1
        given = ",".join(word.partition("=")[2] for word in command if word.startswith("--label="))
        self.images.update({name: (self.names[name], given or "-") for name in names})
        return 0


@pytest.mark.parametrize("refuses", ["", "r/b:1"])
def test_all_images_go_through_one_stream_with_their_labels(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refuses: str
) -> None:
    runtime = Containerd(tmp_path, monkeypatch, refuses)
    monkeypatch.setattr(FakeHost, "stream", lambda host, *given, **more: runtime.stream(*given, **more))
    if refuses:
        with pytest.raises(Failed, match=r"The image r/b:1 cannot be imported \(ctr ended with 1\)"):
            Preload().act(runtime.work)
        assert runtime.streams == [sorted(runtime.names), ["r/a:1"], ["r/b:1"]]
        return
    Preload().act(runtime.work)
    assert runtime.streams == [sorted(runtime.names)]
    assert not [command for command in runtime.host.commands if "label" in command], "they are given on the way"
    assert Preload().seen(runtime.work)[0] is Seen.DONE
    runtime.images["r/a:1"] = (DIGEST, "-")
    Preload().act(runtime.work)
    assert runtime.streams[1:] == [["r/a:1"]], "another digest of that name"
    assert runtime.images["r/a:1"][1] == ",".join(f"{name}={value}" for name, value in LABELS.items())
