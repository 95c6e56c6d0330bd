"""Projects: the view over `v1ProjectMetadata`, the only form in which a console needs them."""

from __future__ import annotations

from typing import Dict

from edgewright.wire.document import Document, each, text


class Project(Document):
    """A project's uid and name."""

    uid = text("metadata.uid")
    name = text("metadata.name")


class Projects(Document):
    """The complete list (`v1ProjectsMetadata`), unpaged."""

    items = each("items", Project)


def project_row(uid: str, name: str) -> Dict[str, Dict[str, str]]:
    """Return one row of the list."""
    return {"metadata": {"uid": uid, "name": name}}
