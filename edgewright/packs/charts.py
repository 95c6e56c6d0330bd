"""Helm charts: what their Chart.yaml names, their default values and README."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from edgewright.core.errors import InvalidInput
from edgewright.core.packs.pack import Chart
from edgewright.core.text import clean
from edgewright.packs import archive
from edgewright.packs.files import Files, digest
from edgewright.packs.texts import decoded
from edgewright.yamltext.documents import read_one

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,126}[A-Za-z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,127}")


class ReadChart(NamedTuple):
    """A chart that was read; `data` is its archive."""

    chart: Chart
    data: bytes
    values: str
    readme: str
    description: str


def of_archive(data: bytes, what: str, path: str = "") -> ReadChart:
    """Return the chart in an archive: one folder with Chart.yaml. Raises `InvalidInput`."""
    return _of_files(archive.unpack(data, what), what, path, data)


def of_folder(files: Files, what: str, path: str) -> ReadChart:
    """Return the chart of unpacked files; its archive is made here, the same for the same files."""
    name = path.rstrip("/").rpartition("/")[2]
    return _of_files({f"{name}/{key}": value for key, value in files.items()}, what, path, archive.pack(files, name))


def _of_files(files: Files, what: str, path: str, data: bytes) -> ReadChart:
    paths = sorted((key for key in files if key.count("/") == 1 and key.endswith("/Chart.yaml")), key=len)
    if not paths:
        hint = "A chart is a folder with Chart.yaml; pack it with: helm package FOLDER"
        raise InvalidInput(f"{what} has no Chart.yaml, so it is not a Helm chart.", hint, "NoChart")
    top = paths[0].partition("/")[0]
    document = read_one(decoded(files[paths[0]], f"Chart.yaml of {what}"), f"Chart.yaml of {what}")
    meta: dict[str, Any] = document if isinstance(document, dict) else {}
    name, version = _text(meta, "name"), _text(meta, "version")
    if not _NAME.fullmatch(name) or not _VERSION.fullmatch(version):
        raise InvalidInput(
            f"Chart.yaml of {what} has no valid name and version.", "Both are required by Helm.", "InvalidChart"
        )
    app_version = clean(_text(meta, "appVersion"), 128)
    chart = Chart(name, version, path, digest(data), len(data), app_version)
    readme = next((files[key] for key in files if key.lower() == f"{top}/readme.md".lower()), b"")
    values = decoded(files.get(f"{top}/values.yaml", b""), f"values.yaml of {what}")
    return ReadChart(chart, data, values, readme.decode("utf-8", "replace"), clean(_text(meta, "description"), 400))


def _text(meta: dict[str, Any], key: str) -> str:
    value = meta.get(key)
    return "" if value is None or isinstance(value, (dict, list, bool)) else str(value).strip()
