"""Slips of writing and copying: variables that nothing filled in, placeholders, typographic quotes, unseen characters.

Looked for in every value that a key of the tables explains; never in scripts, file contents and expressions, where
`$NAME` and quotes of any kind have their own meaning.
"""

from __future__ import annotations

import re
from typing import Any, Iterator, List, Mapping, NamedTuple

from edgewright.core.cloudconfig.findings import Finding, error, warning
from edgewright.core.cloudconfig.look import is_placeholder, shown
from edgewright.core.cloudconfig.schema import model
from edgewright.core.cloudconfig.schema.kairos import SCHEMA
from edgewright.core.cloudconfig.schema.model import Key, Node, is_template
from edgewright.core.cloudconfig.stages import steps
from edgewright.core.text import is_harmless

MOST = 5_000
"""Values of a document that are looked at."""

_VARIABLE = r"\$\{[^{}$]{1,64}\}|\$env:[A-Za-z_]\w{0,63}|\$[A-Za-z_]\w{0,63}|\$\([^()]{1,200}\)|%[A-Z_][A-Z0-9_]{1,63}%"
_ENTIRE = re.compile(rf"{_VARIABLE}|`[^`]{{1,200}}`")
_INSIDE = re.compile(_VARIABLE)
_SHOUTED = re.compile(r"\$\{[^{}$]{1,64}\}|\$env:\w{1,64}|\$[A-Z_][A-Z0-9_]{0,63}|\$\([^()]{1,200}\)|%[A-Z_]{2,64}%")
"""What is a variable even as a password, in which a `$` is nothing odd."""
_CAMEL = re.compile(r"(?:your|insert|enter|paste|replace)[A-Z]\w*|\w*[a-z](?:Here|HERE)|\w+[-_ ](?:here|HERE)")
_SECRET_GAP = re.compile(
    r".*(?:x{5,}|X{5,}|\*{3,}|\.{3,}|…|<[^<>]{0,60}>|\[[a-z][^\[\]]{2,60}\]).*", re.IGNORECASE | re.DOTALL
)
"""What is in a secret where a page left a part out."""
_TOKEN_TERMS = re.compile(
    r"(?=.*[a-z])(?:your|my|the|an?|some|new|edge|host|palette|registration|access|api|secret|test|valid|sample|example|demo|"
    r"dummy|fake|insert|enter|paste|replace|change|fixme|todo|none|null|nil|undefined|token|key|value|string|uid|id|it|me|"
    r"this|here|with|goes|by|please|[-_. ])+",
    re.IGNORECASE,
)
"""A token that is made of nothing but words about one; tokens of a plane are drawn at random."""

_FREE = re.compile(
    r"(?:stages|runcmd|write_files|cluster\.config|stylus\.site\.tagsFromFile\.(?:delimiter|separator)|logs|options)(?:[.\[]|\Z)"
    r"|.*(?:grub_options|\.regex|\.gecos|caCerts|certificates|ca_certs|ssh_authorized_keys|authorized_keys)(?:[.\[]|\Z)"
)
"""Paths whose texts are code, expressions, PEM or keys: they have checks of their own."""
_NAMES = re.compile(
    r"stylus\.site\.(?:paletteEndpoint|name|hostName|prefix|projectName|projectUid|clusterId|clusterName|registrationURL)"
    r"|stylus\.site\.(?:ntpServers|network\.(?:httpProxy|httpsProxy|nameserver)|network\.interfaces\..*)"
    r"|stylus\.(?:registryCredentials|externalRegistries\.registries\[\])\.(?:domain|username|repositoryName)"
    r"|(?:users\[\]|stylus\.site\.users\[\])\.name|hostname|config_url|install\.(?:device|source|image)"
    r"|stylus\.imageOverride|cluster\.control_plane_host|kubevip\.eip"
)
"""Patterns of keys that name something: a part that was not filled in is wrong there too."""

_QUOTES = "\u201c\u201d\u201e\u201f\u2018\u2019\u201a\u201b\u00ab\u00bb"
_SPACES = "\u00a0\u2007\u202f\u3000"


class Word(NamedTuple):
    """A text of a document with its key: `path` where it is, `pattern` as in the tables."""

    path: str
    pattern: str
    key: Key
    value: str


def check_slips(document: Mapping[str, Any]) -> List[Finding]:
    """Return what was forgotten or spoilt in the values of a document."""
    findings: List[Finding] = []
    for count, word in enumerate(_texts(document, SCHEMA.root, "")):
        if count >= MOST:
            break
        if not word.value or is_template(word.value):
            continue
        findings += _gap(word) or _letters(word)
    return findings + _commands(document)


def is_gap(value: str, *, secret: bool = False, name: bool = False, token: bool = False) -> bool:
    """Return whether a text is a variable that was not filled in or a placeholder; stricter for secrets and names.

    `token` is for registration tokens, which a plane draws at random: it contains no words.
    """
    word = value.strip()
    if token and (_INSIDE.search(word) or _TOKEN_TERMS.fullmatch(word[:500])):
        return True
    if is_placeholder(word) or _CAMEL.fullmatch(word):
        return True
    if secret:
        return _SHOUTED.fullmatch(word) is not None or _SECRET_GAP.fullmatch(word[:500]) is not None
    return (_INSIDE.search(word) if name else _ENTIRE.fullmatch(word)) is not None


def slip(value: str, *, secret: bool = False, token: bool = False) -> str:
    """Return what was forgotten or spoilt in one answer, as a sentence; "" when nothing was."""
    if not value or is_template(value):
        return ""
    if is_gap(value, secret=secret, name=not secret, token=token):
        return "That is a placeholder or a variable; write the value itself."
    return odd_letters(value)


def _texts(value: Any, node: Node, path: str, depth: int = 0) -> Iterator[Word]:
    if isinstance(value, Mapping):
        for name, below in value.items():
            child = node.child(str(name))
            where = f"{path}.{name}" if path else str(name)
            if child is not None and depth < 20:
                yield from _texts(below, child, where, depth + 1)
            elif isinstance(below, str) and node.key is not None and node.key.kind == model.TABLE:
                yield Word(where, node.path, node.key, below)
    elif isinstance(value, list):
        item = node.children.get("[]", node)
        for place, entry in enumerate(value):
            yield from _texts(entry, item, f"{path}[{place}]", depth + 1)
    elif isinstance(value, str):
        key = node.key or SCHEMA.keys.get(node.path[:-2])
        if key is not None and not _FREE.match(node.path):
            yield Word(path, node.path, key, value)


def _gap(word: Word) -> List[Finding]:
    value = word.value.strip()
    if word.pattern == "stylus.site.name" and value == "$random":
        return []
    secret, name = word.key.secret, _NAMES.fullmatch(word.pattern) is not None
    if secret and value.startswith("$") and value.count("$") > 1:
        return []  # a hash of crypt(3)
    token = word.pattern == "stylus.site.edgeHostToken"
    hint = "Make one: edgewright token create NAME" if token else "Fill it in."
    variable = _SHOUTED.search(value) if secret else _INSIDE.search(value)
    complete = _ENTIRE.fullmatch(value) is not None
    if variable is not None and (complete or name or token):
        message = f"{word.path} contains the variable {shown(variable.group(), 40)}, which nothing filled in."
        why = "Write the value itself; a here-document of a shell fills it in only without quotes around EOF."
        return [error(word.path, message, why, "Placeholder")]
    strict = secret and word.key.name != "passwd"
    plain = not secret and not name and not (value.startswith("<") and value.endswith(">"))
    if plain or not is_gap(value, secret=strict, name=name, token=token):
        return []
    message = f"{word.path} is still a placeholder" + ("." if secret else f": {shown(value)}.")
    return [error(word.path, message, hint, "Placeholder")]


def _letters(word: Word) -> List[Finding]:
    """Return what an editor or a web page put into a value: quotes that YAML does not know, invisible characters."""
    message = odd_letters(word.value)
    return (
        [error(word.path, f"{word.path}: {message}", "Type the value, or paste it as plain text.", "Letters")]
        if message
        else []
    )


def odd_letters(value: str) -> str:
    """Return which letters of a value do not belong in it, as a sentence; "" when there are none."""
    if value[0] in _QUOTES or value[-1] in _QUOTES:
        return f"the typographic quotes in {shown(value, 40)} are part of the value; write straight ones, or none."
    odd = next((letter for letter in value if letter in _SPACES or not (is_harmless(letter) or letter in "\n\t")), "")
    return f"it contains the character U+{ord(odd):04X}, which is invisible." if odd else ""


def _commands(document: Mapping[str, Any]) -> List[Finding]:
    """Return the commands with typographic double quotes: a shell takes them for letters."""
    matches = []
    for step in steps(document):
        commands = step.raw.get("commands")
        for place, command in enumerate(commands[:500] if isinstance(commands, list) else []):
            if isinstance(command, str) and re.search("[\u201c\u201d\u201e]", command):
                path = f"{step.path}.commands[{place}]"
                message = f"{path} contains typographic quotes, which a shell takes for letters."
                matches.append(warning(path, message, "Write straight quotes.", "Quotes"))
    return matches
