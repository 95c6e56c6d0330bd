"""Style sheets that a start before this one has parsed.

Private Textual API (8.2.8): `Stylesheet._parse_rules` and `Stylesheet._variables`. A style sheet is parsed once for a
theme; the rules are stored by `start_cache` and are the same as parsed ones. They are for one installation of Textual.
"""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import textual.css.parse
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.css.types import CSSLocation

from tui.terminal.start_cache import Sheet, StartCache


def stamp() -> tuple[int, ...]:
    """Return what differs when another Textual was installed in the same place."""
    parser = Path(textual.css.parse.__file__)
    file, folder = os.stat(parser), os.stat(parser.parent)  # noqa: PTH116 - Path.stat does the same in more steps
    return file.st_ino, file.st_ctime_ns, file.st_size, folder.st_mtime_ns


class StoredRules(Stylesheet):
    """The style sheet of an app in its first start and later ones, until `start_cache` has ended."""

    def __init__(self, cache: StartCache) -> None:
        super().__init__()
        self._cache = cache
        self._stamp = stamp()

    def _parse_rules(
        self,
        css: str,
        read_from: CSSLocation,
        is_default_rules: bool = False,
        tie_breaker: int = 0,
        scope: str = "",
    ) -> list[RuleSet]:
        """Return the rules of a sheet: from the file of an earlier start, else parsed. Raises what Textual raises."""
        sheet: Sheet = (css, (read_from[0], read_from[1]), is_default_rules, tie_breaker, scope)
        known = (css, read_from, is_default_rules, tie_breaker, scope) in self._parse_cache
        if not known and not self._cache.ended:
            data = self._cache.rules_of(sheet, self._variables, self._stamp)
            if data is not None:
                rules: list[RuleSet] = pickle.loads(data)  # noqa: S301 - as trusted as byte code
                self._parse_cache[css, read_from, is_default_rules, tie_breaker, scope] = rules
                return rules
        rules = super()._parse_rules(css, read_from, is_default_rules, tie_breaker, scope)
        if not known and not self._cache.ended and not any(rule.errors for rule in rules):
            self._cache.add_rules(sheet, rules)
        return rules
