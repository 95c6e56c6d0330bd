"""Reading what registries have, beside the requests that ask for it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from edgewright.core import times
from edgewright.hub.http.problems import Problem
from edgewright.hub.packs import fetching, store
from edgewright.hub.packs.fetcher import Fetcher
from edgewright.hub.packs.index import PackIndex, content_text
from edgewright.hub.packs.registry_documents import FAILED, SUCCESS

if TYPE_CHECKING:
    from edgewright.hub.db.transaction import Tx
    from edgewright.hub.services import Services

_LOG = logging.getLogger(__name__)


def begin(hub: Services, uid: str) -> None:
    """Read a registry in a task of its own, unless that is under way already."""
    fetcher = hub.part(Fetcher)
    if uid not in fetcher.syncing:
        fetcher.syncing.add(uid)
        fetcher.begin(_run(hub, uid))


async def _run(hub: Services, uid: str) -> None:
    fetcher = hub.part(Fetcher)
    try:
        await _read(hub, uid)
    except Problem as problem:  # the storage, or a registry that was removed meanwhile
        _LOG.warning("Registry %s was read and not stored: %s", uid, problem.message)
    except Exception:
        _LOG.exception("Registry %s was read and not stored", uid)
    finally:
        fetcher.syncing.discard(uid)


async def _read(hub: Services, uid: str) -> None:
    record = hub.part(PackIndex).registries.get(uid)
    if record is None:
        return
    began = times.now()
    changes: dict[str, Any] = {"last_run": began}
    try:
        access = fetching.access_of(record, hub.box)
        listed = await hub.part(Fetcher).run(lambda: fetching.look(record, access))
        names = len({item.name for item in listed})
        message = f"{names} packs in {len(listed)} versions." if listed else "It lists nothing; import packs by name."
        changes |= {"status": SUCCESS, "message": message, "content": content_text(listed), "last_synced": began}
    except Problem as problem:  # what was listed before stays
        changes |= {"status": FAILED, "message": problem.message[:1000]}
    except Exception:
        _LOG.exception("Registry %s could not be read", uid)
        changes |= {"status": FAILED, "message": "The hub failed while it read the registry; hub.log has the cause."}

    def job(tx: Tx) -> None:
        present = store.registry_or_404(tx, uid)
        if present.endpoint == record.endpoint:
            store.update_registry(tx, present, **changes)

    await hub.write(job)
