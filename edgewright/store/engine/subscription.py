"""A subscription: which collections a screen subscribes to, and whether it is active."""

from __future__ import annotations

from collections.abc import Callable

from edgewright.store.engine.model import Patch

Callback = Callable[[tuple[Patch, ...]], None]


class Subscription:
    """Given by `Store.subscribe`; call it to end it.

    While paused it gets nothing; on resume it gets one reset for each collection that changed.
    """

    def __init__(self, collections: frozenset[str], callback: Callback, registry: list[Subscription]) -> None:
        self.collections = collections
        self._callback = callback
        self._registry = registry
        self._paused = False
        self._missed: set[str] = set()

    @property
    def paused(self) -> bool:
        """Whether the subscriber is paused."""
        return self._paused

    @property
    def closed(self) -> bool:
        """Whether it has ended."""
        return self not in self._registry

    def pause(self) -> None:
        """Get nothing until `resume`."""
        self._paused = True

    def resume(self) -> None:
        """Get patches again; what was missed comes at once, as one reset for each collection that changed meanwhile."""
        self._paused = False
        missed, self._missed = sorted(self._missed), set()
        if missed:
            self._callback(tuple(Patch(name, op="reset") for name in missed))

    def deliver(self, patches: tuple[Patch, ...]) -> None:
        """Hand over what concerns this subscriber."""
        mine = tuple(patch for patch in patches if patch.collection in self.collections)
        if not mine:
            return
        if self._paused:
            self._missed.update(patch.collection for patch in mine)
        else:
            self._callback(mine)

    def close(self) -> None:
        """End the subscription; closing twice is not an error."""
        if self in self._registry:
            self._registry.remove(self)

    __call__ = close
