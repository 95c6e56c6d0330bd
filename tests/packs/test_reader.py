"""Packs from directories, archives, charts and manifests; and what is wrong with them, in one sentence."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgewright.core.errors import EdgewrightError, InvalidInput, NotFound
from edgewright.packs import archive, charts, reader
from edgewright.packs.files import digest
from tests.packs.samples import CHART, DOCUMENT, MANIFEST, chart_archive, pack_files


def test_a_pack_in_an_archive_a_directory_and_below_a_folder_is_the_same(tmp_path: Path) -> None:
    from_archive = reader.from_archive(archive.pack(pack_files()), "demo.tgz")
    for path, data in pack_files().items():
        target = tmp_path / "demo" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    assert reader.from_path(tmp_path / "demo") == from_archive
    assert reader.from_archive(archive.pack(pack_files(), "demo-2.0.0"), "demo.tgz") == from_archive
    pack = from_archive.pack
    assert (pack.name, pack.version, pack.readme) == ("demo-pack", "2.0.0", "# Demo\n")
    assert pack.images == ("registry.example/other:2", "registry.example/app:1")
    assert [chart.name for chart in pack.charts] == ["demo"] and pack.charts[0].app_version == "7.0"
    assert set(from_archive.blobs) == {digest(chart_archive()), digest(MANIFEST)}


def test_pack_json_in_another_case_and_a_chart_that_is_not_packed() -> None:
    files = {f"charts/demo/{path}": data for path, data in CHART.items()}
    document = {"Name": "x", "Version": "1", "Layer": "addon", "Charts": ["charts/demo"], "other": {"a": None}}
    loaded = reader.from_files({"Pack.json": json.dumps(document).encode(), **files}, "x")
    assert loaded.pack.charts[0].digest in loaded.blobs and loaded.pack.document["other"] == {"a": None}
    assert charts.of_archive(loaded.blobs[loaded.pack.charts[0].digest], "x").chart.version == "1.2.3"


def test_a_chart_becomes_a_pack_with_its_values_and_comments() -> None:
    loaded = reader.from_archive(chart_archive(), "demo-1.2.3.tgz")
    assert (loaded.pack.kind, loaded.pack.name, loaded.pack.version) == ("helm", "demo", "1.2.3")
    assert "charts:\n  demo:\n    # how many\n    replicas: 1\n" in loaded.pack.values
    assert reader.from_archive(chart_archive(values=b"---\n# nothing\n"), "d").pack.values.endswith("demo: {}\n")


def test_images_of_charts_come_from_values_where_no_list_is() -> None:
    values = b"charts:\n  demo:\n    image: {repository: registry.example/demo}\n"
    pack = reader.from_files(pack_files(values_yaml=values), "x").pack
    assert pack.images == ("registry.example/app:1", "registry.example/demo:7.0")
    chart = chart_archive(values=b"image:\n  repository: registry.example/demo\n  tag: '8'\n")
    assert reader.from_archive(chart, "demo.tgz").pack.images == ("registry.example/demo:8",)


def test_manifests_become_a_pack(tmp_path: Path) -> None:
    path = tmp_path / "my app-1.4.0.yaml"
    path.write_bytes(MANIFEST)
    loaded = reader.from_path(path)
    assert (loaded.pack.name, loaded.pack.version, loaded.pack.kind) == ("my-app", "1.4.0", "manifest")
    assert loaded.pack.images == ("registry.example/app:1",) and digest(MANIFEST) in loaded.blobs
    with pytest.raises(InvalidInput, match="not a Kubernetes manifest"):
        reader.from_manifests({"a.yaml": b"a: 1\n"}, "a", "a")


def test_a_template_is_searched_line_by_line() -> None:
    text = "{{- if .Values.x }}\nkind: Pod\n{{- end }}\nspec:\n  image: a/b:1\n  - image: 'c:2'\n  image: {{ .y }}\n"
    assert reader.images_of_text(text) == ("a/b:1", "c:2")


def test_a_chart_with_long_paths_is_packed() -> None:
    long = "/".join(["d" * 90] * 4)
    files = {**{f"demo/{path}": data for path, data in CHART.items()}, f"demo/{long}": b"x"}
    document = {"name": "x", "version": "1", "layer": "addon", "charts": ["demo"]}
    loaded = reader.from_files({"pack.json": json.dumps(document).encode(), **files}, "x")
    assert archive.unpack(next(iter(loaded.blobs.values())), "x")[f"demo/{long}"] == b"x"


def test_a_manifest_of_empty_lines_takes_bounded_time() -> None:
    begin = time.process_time()
    for line in ("\n", " \n", "- \n", "image:\n", " "):
        assert reader.images_of_text("{{ x\n" + line * 150_000 + "y") == ()
    assert time.process_time() - begin < 4


def broken_chart() -> bytes:
    return archive.pack({"templates/a.yaml": b"kind: x\n"}, "demo")


@pytest.mark.parametrize(
    "files, sentence, code",
    [
        (pack_files(b"{"), "pack.json of demo is not JSON: line 1", "InvalidJson"),
        (pack_files(b"[]"), "not a JSON object", "InvalidPack"),
        (pack_files({**DOCUMENT, "layer": "cnj"}), "cnj is not a layer", "InvalidPack"),
        (pack_files(values_yaml=b"- a\n"), "values are not a map", "NotAMap"),
        (pack_files(values_yaml=b"a: [\n"), "line 2", "InvalidYaml"),
        (pack_files(values_yaml=b"a: " + b"x" * 5_000_000), "more than 1024 KiB", "TooBig"),
        (pack_files(values_yaml=b"\xff\xfe\x00"), "values.yaml of demo", "NotText"),
        (pack_files(presets_yaml=b"presets: 3\n"), "presets are not a list", "InvalidPreset"),
        (pack_files(schema_yaml=b"a: {schema: '{{ maybe }}'}\n"), "maybe, which is not understood", "InvalidSchema"),
        ({**pack_files(), "charts/demo-1.2.3.tgz": broken_chart()}, "has no Chart.yaml", "NoChart"),
        ({**pack_files(), "charts/demo-1.2.3.tgz": b"no"}, "not a tar archive", "InvalidArchive"),
        ({**pack_files(), "charts/demo-1.2.3.tgz": chart_archive(Chart=b"name: x\n")}, "no valid", "InvalidChart"),
        ({"a/pack.json": b"{}", "b/pack.json": b"{}"}, "contains 2 packs", "SeveralPacks"),
    ],
)  # fmt: skip
def test_what_is_refused(files: dict[str, bytes], sentence: str, code: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        reader.from_files(files, "demo")
    assert sentence in refused.value.message and refused.value.code == code and refused.value.exit_code == 7
    assert "\n" not in refused.value.message


def test_aliases_are_bounded() -> None:
    bomb = b"a: &a [x, x, x, x, x, x, x, x, x, x]\n" + b"".join(
        f"{name}: &{name} [{', '.join(['*' + before] * 10)}]\n".encode()
        for before, name in zip("abcdef", "bcdefg", strict=True)
    )
    with pytest.raises(InvalidInput, match="values"):
        reader.from_files(pack_files(values_yaml=bomb), "demo")


def test_nothing_in_a_folder_is_a_pack() -> None:
    with pytest.raises(InvalidInput) as missing:
        reader.from_files({"a.txt": b""}, "demo")
    assert missing.value.code == "NoPack" and missing.value.exit_code == 7
    with pytest.raises(InvalidInput, match=r"has no Chart\.yaml") as chart:
        reader.from_archive(archive.pack({"values.yaml": b"", "templates/a.yaml": b"kind: x\n"}, "demo"), "demo.tgz")
    assert chart.value.code == "NoChart"


def tar(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as made:
        for info, data in members:
            info.size = len(data)
            made.addfile(info, io.BytesIO(data))
    return out.getvalue()


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


@pytest.mark.parametrize(
    "data, sentence",
    [
        (tar((member("../escape"), b"x")), "leads out of it"),
        (tar((member("/etc/passwd"), b"x")), "leads out of it"),
        (tar((member("a/../../b"), b"x")), "leads out of it"),
        (tar((member("a\\..\\b"), b"x")), "leads out of it"),
        (tar((member("link", tarfile.SYMTYPE, "/etc/passwd"), b"")), "contains the link link"),
        (tar((member("link", tarfile.LNKTYPE, "pack.json"), b"")), "contains the link link"),
        (tar((member("dev", tarfile.CHRTYPE), b"")), "contains the special file dev"),
        (tar((member("fifo", tarfile.FIFOTYPE), b"")), "contains the special file fifo"),
        (tar((member("a"), b"1"), (member("./a"), b"2")), "has a twice"),
        (tar((member("a"), b"x" * 5000))[:2000], "broken"),
        (b"PK\3\4zip", "is a zip archive"),
        (b"", "is not a tar archive"),
        (b"\x1f\x8bxxxx", "is not a tar archive"),
        (gzip.compress(b"no tar" * 100), "is not a tar archive"),
    ],
)
def test_archives_that_are_refused(data: bytes, sentence: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        archive.unpack(data, "The archive")
    assert sentence in refused.value.message


class Zeros(io.RawIOBase):
    """A tar with one file of 10 GB, made while it is read."""

    def __init__(self) -> None:
        info = tarfile.TarInfo("pack.json")
        info.size = 10_000_000_000
        self.head = info.tobuf()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1, /) -> bytes:
        head, self.head = self.head[:size], self.head[size:]
        return head or bytes(size)


def test_ten_gigabytes_of_zeros_end_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gzip.GzipFile", lambda fileobj: Zeros())
    with pytest.raises(InvalidInput, match="more than 32 MiB"):
        archive.unpack(b"\x1f\x8b", "The archive")


def test_a_header_that_is_a_bomb_ends_early(monkeypatch: pytest.MonkeyPatch) -> None:
    zeros = Zeros()
    info = tarfile.TarInfo("x")
    info.type, info.size = tarfile.GNUTYPE_LONGNAME, 8_000_000_000
    zeros.head = info.tobuf()
    monkeypatch.setattr(archive, "MAX_TOTAL", 1_000_000)
    monkeypatch.setattr(archive, "_OVERHEAD", 0)
    monkeypatch.setattr("gzip.GzipFile", lambda fileobj: zeros)
    with pytest.raises(InvalidInput, match="unpacked"):
        archive.unpack(b"\x1f\x8b", "The archive")


def test_too_many_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgewright.packs.files.MAX_FILES", 3)
    with pytest.raises(InvalidInput, match="more than 3 files"):
        archive.unpack(archive.pack({str(number): b"" for number in range(5)}), "The archive")


def test_a_link_in_a_directory_is_refused(tmp_path: Path) -> None:
    (tmp_path / "pack.json").write_text("{}")
    (tmp_path / "values.yaml").symlink_to("/etc/passwd")
    with pytest.raises(InvalidInput, match=r"contains the link values\.yaml"):
        reader.from_path(tmp_path)
    with pytest.raises(NotFound):
        reader.from_path(tmp_path / "nowhere")


def test_an_archive_is_the_same_each_time() -> None:
    assert archive.pack({"b": b"1", "a": b"2"}) == archive.pack({"a": b"2", "b": b"1"})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
keys = st.sampled_from(
    ["name", "layer", "charts", "kubeManifests", "annotations", "constraints", "edgewright", "cloudTypes"]
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(keys, json_values), st.text(max_size=60))
def test_any_document_and_any_values_end_in_a_pack_or_a_sentence(document: dict[str, Any], values: str) -> None:
    files = {
        "pack.json": json.dumps({**DOCUMENT, **document}).encode(),
        "values.yaml": values.encode("utf-8", "replace"),
    }
    try:
        assert reader.from_files(files, "x").pack.version == "2.0.0"
    except EdgewrightError as refused:
        assert refused.message


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=600))
def test_any_bytes_are_an_archive_or_a_sentence(data: bytes) -> None:
    for each in (data, gzip.compress(data)):
        try:
            archive.unpack(each, "x")
        except InvalidInput as refused:
            assert refused.message
