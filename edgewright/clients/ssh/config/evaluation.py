"""One pass over the configuration files for one host: Host, Match and Include decide which lines count."""

from __future__ import annotations

import glob
import re
from collections.abc import Sequence
from pathlib import Path

from edgewright.clients.ssh.config.lines import ConfigLine, delimited, read_lines
from edgewright.clients.ssh.config.patterns import host_in_list, in_list, matches
from edgewright.clients.ssh.config.settings import KEYWORDS, Machine, Values
from edgewright.clients.ssh.target import read_target
from edgewright.core.errors import InvalidInput
from edgewright.core.small_file import local_path
from edgewright.core.text import clean

MAX_DEPTH = 16
"""Include within Include (`READCONF_MAX_DEPTH`)."""
MAX_FILES = 200
"""Files that one configuration may consist of."""
MAX_LINES = 50_000
MAX_IDENTITIES = 100
_PERCENT = re.compile(r"%[hnpr]")
MAX_KNOWN_HOSTS = 32
_LISTS = {"identityfile": "identities", "certificatefile": "certificates"}
_FILES = {"userknownhostsfile": "user_files", "globalknownhostsfile": "global_files"}


class Evaluation:
    """Reads files in their order into `values`. `host`: the name that `Host` is compared with, `original` as typed.

    `final` is set for the second pass that `Match final` asks for; `wants_final` reports that it did.
    `warnings` has a sentence for each line that is not followed.
    """

    def __init__(self, machine: Machine, host: str, original: str, values: Values, *, final: bool = False) -> None:
        self._machine, self._host, self._original, self._final = machine, host, original, final
        self._files = self._lines = 0
        self._active = True
        self.values = values
        self.wants_final = False
        self.warnings: list[str] = []

    def read(self, path: Path, *, user: bool, trusted: bool, missing_is_empty: bool = True) -> None:
        """Read one file from its first line. `user`: of the user, not of the system. Raises `InvalidInput`."""
        self._active = True
        self._read(path, user, trusted, True, 0, missing_is_empty)

    def _read(self, path: Path, user: bool, trusted: bool, may_match: bool, depth: int, missing: bool = True) -> None:
        self._files += 1
        if depth > MAX_DEPTH:
            raise InvalidInput(f"{clean(path, 200)} is included {depth} deep.", "Look for an Include that loops.")
        if self._files > MAX_FILES:
            raise InvalidInput(
                f"The configuration of SSH has more than {MAX_FILES} files.", "Look for an Include loop."
            )
        for line in read_lines(path, trusted=trusted, missing_is_empty=missing):
            self._lines += 1
            if self._lines > MAX_LINES:
                raise InvalidInput(f"The configuration of SSH has more than {MAX_LINES} lines.", "Shorten it.")
            if line.keyword == "host":
                self._active = may_match and self._host_line(line)
            elif line.keyword == "match":
                matched = self._match_line(line)
                self._active = may_match and matched
            elif line.keyword == "include":
                self._include(line, user, depth)
            else:
                self._set(line)

    def _include(self, line: ConfigLine, user: bool, depth: int) -> None:
        active = self._active
        for word in line.arguments:
            if word.startswith("~"):
                if not user:
                    raise line.problem("Include of the system's configuration does not begin with ~.")
                pattern = str(self._machine.home) + word[1:] if word[1:2] in ("", "/") else str(local_path(word))
            elif word.startswith("/"):
                pattern = word
            else:
                pattern = f"{self._machine.home / '.ssh' if user else '/etc/ssh'}/{word}"
            for name in sorted(glob.glob(pattern))[: MAX_FILES + 1]:  # noqa: PTH207
                self._active = active
                self._read(Path(name), user, False, active, depth + 1)
                self._active = active
        self._active = active

    def _host_line(self, line: ConfigLine) -> bool:
        result = False
        for word in line.arguments:
            if not word:
                raise line.problem("Host has an empty pattern.")
            if matches(self._host, word.removeprefix("!")):
                if word.startswith("!"):
                    return False
                result = True
        return result

    def _match_line(self, line: ConfigLine) -> bool:
        values, result, count, rest = self.values, True, 0, line.rest
        name = values.hostname if self._final and values.hostname else self._host
        if not self._final and values.hostname is not None:
            name = values.hostname.replace("%%", "\0").replace("%h", self._host).replace("\0", "%")
        while rest:
            word, rest = delimited(rest)
            if word.startswith("#"):
                break
            negated, word = word.startswith("!"), word.removeprefix("!").lower()
            if word == "all":
                if count > 1 or (rest and not rest.startswith("#")):
                    raise line.problem("`all` of Match is not alone.")
                return result and not negated
            count += 1
            if word in ("final", "canonical"):
                self.wants_final = self.wants_final or word == "final"
                result = result and self._final is not negated
                continue
            argument, rest = delimited(rest)
            if not argument or argument.startswith("#"):
                raise line.problem(f"Match {clean(word, 40)} has no argument.")
            applies = self._criterion(line, word, argument, name)
            result = result and applies is not None and applies is not negated
        if not count:
            raise line.problem("Match has no criterion.")
        return result

    def _criterion(self, line: ConfigLine, word: str, argument: str, name: str) -> bool | None:
        """Return whether a criterion applies, None for one that is not evaluated: its block does not count."""
        patterns = argument.split(",")
        if word == "host":
            return host_in_list(name, argument)
        if word == "originalhost":
            return host_in_list(self._original, argument)
        if word == "user":
            return in_list(self.values.user or self._machine.user, patterns)
        if word == "localuser":
            return in_list(self._machine.user, patterns)
        if word in ("exec", "localnetwork", "tagged", "sessiontype", "command", "version"):
            self.warnings.append(f"{line.place}: Match {word} is not evaluated, its lines are not used.")
            return None
        raise line.problem(f"Match does not know {clean(word, 40)}.")

    def _set(self, line: ConfigLine) -> None:
        keyword = line.keyword
        if keyword == "proxycommand":
            if self._active and self.values.proxy_jump in (None, "none") and self.values.proxy_command is None:
                self.values.proxy_command = line.rest
        elif keyword == "proxyjump":
            self._set_jump(line)
        elif keyword in _LISTS:
            self._add(line, getattr(self.values, _LISTS[keyword]))
        elif keyword in _FILES:
            if len(line.arguments) > MAX_KNOWN_HOSTS:
                raise line.problem(f"there are more than {MAX_KNOWN_HOSTS} files.")
            if self._active and getattr(self.values, _FILES[keyword]) is None:
                setattr(self.values, _FILES[keyword], line.arguments)
        elif keyword in KEYWORDS:
            name, read = KEYWORDS[keyword]
            word = self._first(line)
            try:
                value = read(word)
            except ValueError as error:
                raise line.problem(f"{clean(word, 80)} {error}.") from None
            if self._active and getattr(self.values, name) is None:
                setattr(self.values, name, value)

    def _set_jump(self, line: ConfigLine) -> None:
        text = line.rest.partition("#")[0].rstrip()
        jumps = check_jumps(text, line)
        values = self.values
        if self._active and values.proxy_command is None and values.proxy_jump is None:
            values.proxy_jump = ",".join(jumps) or "none"
            values.proxy_command = None if not jumps else "none"

    def _add(self, line: ConfigLine, paths: list[str]) -> None:
        word = self._first(line)
        if self._active and word not in paths:
            if len(paths) >= MAX_IDENTITIES:
                raise line.problem(f"there are more than {MAX_IDENTITIES} files.")
            paths.append(word)

    @staticmethod
    def _first(line: ConfigLine) -> str:
        if not line.arguments or not line.arguments[0]:
            raise line.problem(f"there is no value after {clean(line.keyword, 40)}.")
        return line.arguments[0]


def check_jumps(text: str, line: ConfigLine) -> Sequence[str]:
    """Return the jump hosts of a value, none for `none`; `%h` and other tokens stay. Raises `InvalidInput`."""
    if text.lower() == "none":
        return ()
    jumps = tuple(part.strip().removeprefix("ssh://") for part in text.split(","))
    for jump in jumps:
        try:
            read_target(_PERCENT.sub("x", jump))  # what they become is read again (`resolve.py`)
        except InvalidInput as error:
            wrong = f"{clean(jump, 80)} is not a valid host name or address."
            raise line.problem(wrong if "%" in jump else error.message) from None
    return jumps
