"""Caches of the toolkit that would reference what was closed.

Private Textual API (8.2.8): `StylesCache.get_inner_outer` is cached with the object as a part of the key, so that the
painted lines of up to 1024 removed widgets stay in memory: a console that opens and leaves screens for a shift
grows by tens of megabytes. Here the colours alone are the key.
"""

from __future__ import annotations

from functools import lru_cache

from textual._styles_cache import StylesCache
from textual.color import Color
from textual.style import Style


@lru_cache(1024)
def _inner_outer(base_background: Color, background: Color) -> tuple[Style, Style]:
    return Style(background=base_background + background), Style(background=base_background)


def _get_inner_outer(_cache: StylesCache, base_background: Color, background: Color) -> tuple[Style, Style]:
    return _inner_outer(base_background, background)


def bound() -> None:
    """Let no cache of the toolkit reference a widget that was removed; once for the process is enough."""
    StylesCache.get_inner_outer = _get_inner_outer  # type: ignore[method-assign, assignment]
