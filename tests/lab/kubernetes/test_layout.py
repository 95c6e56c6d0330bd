"""Images of the lab's tree: the same files give the same bytes, shared layers are stored once."""

from __future__ import annotations

import gzip
import io
import json
import os
import tarfile
from pathlib import Path

from edgewright.lab.kubernetes.layout import File, Layout, images, tree, write_layer


def program(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_layer_is_the_same_whatever_the_order_time_and_owner(tmp_path: Path) -> None:
    a, b = program(tmp_path, "a", "first"), program(tmp_path, "b", "second")
    first, second = io.BytesIO(), io.BytesIO()
    one = write_layer([File("usr/bin/a", a), File("usr/bin/b", b), File("usr/bin/c", link="a")], first)
    os.utime(a, (5, 5))
    two = write_layer([File("usr/bin/c", link="a"), File("usr/bin/b", b), File("usr/bin/a", a)], second)
    assert one == two and first.getvalue() == second.getvalue()
    assert one.size == len(first.getvalue()) and one.digest != one.diff_id
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(first.getvalue()))) as archive:
        members = archive.getmembers()
    assert [item.name for item in members] == ["usr", "usr/bin", "usr/bin/a", "usr/bin/b", "usr/bin/c"]
    assert all((item.uid, item.gid, item.mtime, item.uname) == (0, 0, 0, "") for item in members)
    assert members[2].mode == 0o755 and members[4].linkname == "a"


def test_images_share_layers_and_have_their_full_names(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "images", "amd64")
    shared = layout.layer([File("kube", program(tmp_path, "kube", "x" * 1000))])
    again = layout.layer([File("kube", tmp_path / "kube")])
    assert shared == again
    first = layout.image("registry.k8s.io/kube-apiserver:v1.36.3", [shared])
    layout.image("registry.k8s.io/kube-scheduler:v1.36.3", [shared], ["/kube"], "65534")
    layout.close()
    folder = tmp_path / "images"
    assert images(folder)["registry.k8s.io/kube-apiserver:v1.36.3"] == first
    blobs = {path.name for path in (folder / "blobs/sha256").iterdir()}
    assert len(blobs) == 1 + 2 + 2, "one layer, two configurations, two manifests"
    manifest = json.loads((folder / "blobs/sha256" / first[7:]).read_bytes())
    config = json.loads((folder / "blobs/sha256" / manifest["config"]["digest"][7:]).read_bytes())
    assert config["rootfs"]["diff_ids"] == [shared.diff_id] and config["architecture"] == "amd64"
    assert not list(folder.glob("*.new")) and (folder / "oci-layout").is_file()


def test_a_folder_without_what_is_left_out(tmp_path: Path) -> None:
    program(tmp_path, "usr/bin/nft", "x")
    program(tmp_path, "usr/share/doc/nft/copyright", "x")
    (tmp_path / "usr/bin/link").symlink_to("nft")
    assert [file.path for file in tree(tmp_path, ["usr/share/doc"])] == [
        "usr",
        "usr/bin",
        "usr/bin/link",
        "usr/bin/nft",
        "usr/share",
    ]
