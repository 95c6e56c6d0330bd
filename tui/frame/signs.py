"""Signs of states, the same on every screen."""

from __future__ import annotations

from tui.widgets.lines import Role

HEALTH_SIGNS: dict[str, tuple[str, Role]] = {
    "healthy": ("•", "ok"),
    "unhealthy": ("▲", "bad"),
    "unknown": ("○", "muted"),
}
