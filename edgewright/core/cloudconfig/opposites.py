"""Names that mean the opposite of each other: what is most similar in writing must never be offered for one of them."""

from __future__ import annotations

import difflib
import re
from functools import lru_cache
from typing import FrozenSet, List, Tuple

_NEGATIVE = frozenset(["disable", "disabled", "no", "not", "skip", "without", "deny"])
_POSITIVE = frozenset(["enable", "enabled", "include", "use", "with", "allow"])
_NEUTRAL = frozenset(["insecure", "secure"])
_PAIRS: Tuple[FrozenSet[str], ...] = (
    frozenset(["before", "after"]),
    frozenset(["enable", "disable"]),
    frozenset(["master", "worker"]),
    frozenset(["active", "passive"]),
    frozenset(["install", "reset"]),
    frozenset(["install", "upgrade"]),
    frozenset(["reboot", "poweroff"]),
    frozenset(["central", "local"]),
    frozenset(["true", "false"]),
    frozenset(["static", "dhcp"]),
    frozenset(["http", "https"]),
)
_SAME = {"pre": "before", "post": "after", "enabled": "enable", "disabled": "disable", "update": "upgrade"}


def name_parts(name: str) -> List[str]:
    """Return the words of a name in camelCase, snake_case, kebab-case or with dots, in lower case."""
    return list(_parts(name[:100]))


@lru_cache(maxsize=2048)
def _parts(name: str) -> Tuple[str, ...]:
    return tuple(part.lower() for part in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", name))


def is_inverse(name: str, known: str) -> bool:
    """Return whether two names mean yes and no to the same thing, e.g. `autoRegister` and `disableAutoRegister`."""
    mine, theirs = name_parts(name), name_parts(known)
    if not set(mine) - _NEUTRAL or not set(theirs) - _NEUTRAL:
        return False
    return _rest(mine) == _rest(theirs) and _negative(mine) != _negative(theirs)


def only_yes_or_no(name: str) -> bool:
    """Return whether a name is nothing but a yes or no, such as `enable`: many blocks have one."""
    return not _rest(name_parts(name))


def are_opposite(name: str, known: str) -> bool:
    """Return whether two names contain opposite words (before and after), or one negates the other."""
    mine = {_SAME.get(word, word) for word in name_parts(name)}
    theirs = {_SAME.get(word, word) for word in name_parts(known)}
    for pair in _PAIRS:
        ours, others = pair & mine, pair & theirs
        if ours and others and not ours & others:
            return True
    return _negative(list(mine)) != _negative(list(theirs)) and not any(map(_almost_negative, mine - _NEGATIVE))


def _almost_negative(word: str) -> bool:
    """Return whether a word is a misspelt `disable`: then the name is a misspelt one and no opposite."""
    return bool(difflib.get_close_matches(word, ["disable", "without", "skip"], n=1, cutoff=0.75))


def _rest(text: List[str]) -> List[str]:
    return [word for word in text if word not in _NEGATIVE | _POSITIVE | _NEUTRAL]


def _negative(text: List[str]) -> bool:
    return sum(word in _NEGATIVE for word in text) % 2 == 1
