"""The wizard's facade against a real hub: a token made, found again, judged."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from edgewright.commands.installer import wizard_api as installer
from edgewright.commands.kernel.context import CommandContext
from edgewright.config import contexts
from edgewright.config.settings import Settings
from edgewright.core.errors import NotFound, UsageError
from edgewright.core.installer.answers import complete
from tests.core.installer import samples
from tests.hub_fixture import RunningHub, running_hub


@pytest.fixture(scope="module")
def hub() -> Iterator[RunningHub]:
    with running_hub() as running:
        yield running


@pytest.fixture
async def ctx(hub: RunningHub) -> AsyncIterator[CommandContext]:
    """A session without a plane of its own, on a machine that knows the hub as `here`."""
    key = (hub.data / "admin-api-key").read_text().strip()
    contexts.add(contexts.Context("here", hub.url, ca=str(hub.ca)), key, use_keyring=False)
    made = CommandContext(Settings())
    yield made
    await made.aclose()


def answers(hub: RunningHub, **changes: Any) -> dict[str, Any]:
    return complete({**samples.LEAST, "plane.endpoint": hub.url, "plane.ca": hub.ca.read_text(), **changes})


async def test_a_token_is_made_at_the_named_plane_and_found_again(hub: RunningHub, ctx: CommandContext) -> None:
    made = await installer.make_token(ctx, "shop-installer", expiry="2d", context="here")
    assert made.uid and len(made.text) > 10
    by_name = answers(hub, **{"plane.context": "here", "token.text": made.text})
    assert await installer.token_uid(ctx, by_name) == made.uid
    assert await installer.token_uid(ctx, answers(hub, **{"token.text": made.text})) == made.uid  # by the address
    assert await installer.token_uid(ctx, answers(hub, **{"token.text": "another"})) == ""
    elsewhere = {"plane.endpoint": "https://other.example.org", "token.text": made.text}
    assert await installer.token_uid(ctx, answers(hub, **elsewhere)) == ""
    assert await installer.token_uid(ctx, answers(hub, **elsewhere, **{"plane.context": "here"})) == ""


async def test_without_a_plane_no_token_is_made(ctx: CommandContext) -> None:
    with pytest.raises(UsageError):
        await installer.make_token(ctx, "t")
    with pytest.raises(NotFound):
        await installer.make_token(ctx, "t", context="nowhere")


async def test_the_plane_judges_the_token(hub: RunningHub, ctx: CommandContext) -> None:
    made = await installer.make_token(ctx, "judged", context="here")
    good = await installer.check_online(ctx, answers(hub, **{"plane.context": "here", "token.text": made.text}))
    assert not [f for f in good if f.path == "token.text" and f.severity in ("error", "unknown")], good
    bad = await installer.check_online(ctx, answers(hub, **{"plane.context": "here", "token.text": "wrong-token"}))
    assert [f.severity for f in bad if f.path == "token.text"] == ["error"]
    unasked = await installer.check_online(ctx, answers(hub, **{"token.text": "wrong-token"}))
    assert [f.severity for f in unasked if f.path == "token.text"] in (["unknown"], ["error"])
