"""A new installer ISO from a base, user-data and what goes with it; never in place."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from edgewright.forge.iso.facts import Check
from edgewright.forge.manifest import Manifest
from edgewright.forge.progress import Job


def make_iso(
    base: Path,
    user_data: bytes,
    out: Path,
    job: Job,
    *,
    content: Sequence[Path] = (),
    cluster_definition: Path | None = None,
    edge_custom_config: Path | None = None,
    force: bool = False,
    name: str = "",
    token_uid: str = "",
    checks: Sequence[Check] = (),
) -> Manifest:
    """Write `out` and its manifest, verify it, and return the manifest.

    `content` are folders with content bundles (`*.zst`), `checks` what was found before (the user-data check). Raises
    `InvalidInput` for a base that cannot be used, `Conflict` when `out` is there and `force` is not set, `Refused`
    when it is the base itself, `Failed` for a full disk or an ISO that does not hold what it should, `Cancelled`.
    """
    raise NotImplementedError
