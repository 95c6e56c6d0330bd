"""What is a secret in a text of complete lines, and the text without it.

A value is a secret by the *name* before it (`password: x`, `--token x`, `"apiKey": "x"`), or by its *form* (a JWT, a
hash of crypt(3), a URL with a password, a long random text). A secret with neither cannot be recognised. Every rule
takes out too much rather than too little: a log may lose a word, never show a password.

Patterns are bytes, since logs are in no encoding for certain. None may take quadratic time on a long line: what
precedes a keyword is bounded, or not part of a pattern, and no two parts in a row repeat the same letter.
"""

from __future__ import annotations

import re
from typing import Callable, Dict, List, Match, Pattern, Set, Tuple

COVER = b"********"
"""What replaces a secret."""

Counts = Dict[str, int]
"""How many were taken out, by rule."""

NAMES = (
    rb"(?:passw(?:or)?d|passwd|passphrase|passcode|(?<![a-z])pass|(?<![a-z])pwd|secret|token"
    rb"|(?:api|private|access|secret|encryption|signing|master|auth|certificate|join|pairing|license|session|storage)"
    rb"[-_ ]?key"
    rb"|access[-_]?key[-_]?id|pre[-_]?shared[-_]?key|(?<![a-z])psk|client[-_]key|credential|community|(?<![a-z])auth"
    rb"|(?:proxy[-_]?)?authorization|(?:set[-_])?cookie|session[-_]?id|(?<![a-z])sig|signature)s?"
    rb"(?:[-_]?(?:hash|b64|base64|data|value|string|text|plain))?"
)
"""The end of a name whose value is a secret (case does not matter)."""
_STEMS = (
    b"pass", b"pwd", b"secret", b"token", b"key", b"psk", b"credential", b"community", b"auth", b"cookie", b"session",
    b"sig", b" -u", b"\t-u", b"data:", b'data"', b"data\\",
)  # fmt: skip
"""Each rule by name needs one of them in its line."""

_NOTHING = re.compile(rb"(?:null|none|nil|true|false|~|\\*[\"']{2}|\*{3,8})?[,;\]})]*\Z", re.IGNORECASE)
"""A value that is none, or covered already."""
_PREFIX = (
    rb"(?:(?:\d{4}-\d\d-\d\dT\S{8,32}|[A-Z][a-z]{2} [ \d]\d [\d:.]{8,15}) \S{1,256} [^\s\[\]:]{1,128}(?:\[\d+\])?: "
    rb"|\d{4}-\d\d-\d\dT\S{8,32} std(?:out|err) [FP] )"
)
PREFIX = re.compile(_PREFIX)
"""What journalctl, syslog and the logs of containers (CRI) have before a message."""
_IS = rb"\\*[\"'\]]?[ \t]*(?:=>|:=|[:=])[ \t]*"

_FIRST = re.compile(
    rb"^((?:"
    + _PREFIX
    + rb")?[ \t]*(?:-[ \t]+|export[ \t]+|set[ \t]+|Environment=){0,3}\"?[\w.\-]{0,100}?"
    + NAMES
    + _IS
    + rb")"
    rb"(?![\"'\\])([^\s|>{\[][^\n]*|[|>{\[][^\n]*[^\s|>{\[+\-\d][^\n]*)",
    re.IGNORECASE | re.MULTILINE,
)
"""A name that is the first word of its line: the value may be of several words."""
_LIST = re.compile(rb"(" + NAMES + _IS + rb")[\[{][^\[\]{}\n]*[^\s\[\]{}][^\[\]{}\n]*[\]}]", re.IGNORECASE)
"""A list or a mapping of plain values in one line."""
_ESCAPED_BLOCK = re.compile(
    rb"(" + NAMES + rb"[ \t]*:[ \t]*)([|>][-+\d]{0,3}\\+n[^\n\"\\]*(?:\\+[^\n\"\\][^\n\"\\]*)*)", re.IGNORECASE
)
"""A block of YAML in a string of JSON."""
_WIRELESS = re.compile(
    rb"((?:wpa|wireless)-[a-z0-9\-]{0,40}?(?:psk|key|passw(?:or)?d|passwd|passphrase)\d?[ \t]+)([^\s][^\n]*)",
    re.IGNORECASE,
)
"""An option of /etc/network/interfaces."""
_HEADER = re.compile(
    rb"((?:authorization|cookie)\\*[\"']?[ \t]*[:=][ \t]*\\*[\"']?)(digest[^\n]*|[^\s\"'\\][^\n\"'\\]*)", re.IGNORECASE
)
_QUOTED = re.compile(rb"(" + NAMES + _IS + rb")(\\*)(?:\"(?:.*?(?<!\\)\2\"|[^\n]*)|'(?:[^'\n]|'')*'?)", re.IGNORECASE)
_PAIR = re.compile(
    rb"(name\\*[\"']?[ \t]*:[ \t]*\\*[\"']?[\w.\-]{0,100}?"
    + NAMES
    + rb"\\*[\"']?[ \t]*,[ \t]*\\*[\"']?value\\*[\"']?[ \t]*:[ \t]*)"
    rb"([^\n,}]+)",
    re.IGNORECASE,
)
_NAMED = re.compile(
    rb"(" + NAMES + _IS + rb")((?:(?:bearer|basic|token|digest|negotiate|apikey)[ \t]+)?[^\s\"'&{\[|>\\][^\s\"'&]*)",
    re.IGNORECASE,
)
_FLAG = re.compile(
    rb"((?<!-)--[a-z0-9\-]{0,40}?" + NAMES + rb"(?:[ \t]+|\\*[\"'],?[ \t]*\\*[\"']))(?!-)([^\s\"',\\]+)", re.IGNORECASE
)
_SHORT_FLAG = re.compile(rb"((?<=[ \t])-u[ \t]*[^\s:]{1,64}:|sshpass[ \t]+-p[ \t]*)([^\s\"']+)")
_IN_URL = re.compile(rb"://([^\s/\"'<>:@]{0,256})(:?)([^\s/\"'<>]{0,512})@")
_DATA = re.compile(rb"(\"(?:data|stringData|binaryData)\\*\"[ \t]*:[ \t]*)\{[^{}\n]+\}")
_FORMS = re.compile(
    rb"(?<![A-Za-z0-9])(?:"
    rb"ew[a-z]_[A-Za-z0-9_\-]{6,}"  # ours: tokens, keys, credentials, signing secrets
    rb"|[a-z0-9]{6}\.[a-z0-9]{16}(?![A-Za-z0-9.])"  # kubeadm
    rb"|K10[0-9a-f]{32,}::[^\s\"']+"  # k3s, RKE2
    # JWT, JWE: of any length from the begin of a word, else bounded, since a word may have many such begins.
    rb"|(?:(?<![_\-])eyJ[A-Za-z0-9_\-]{8,}|eyJ[A-Za-z0-9_\-]{8,512})\.[A-Za-z0-9_\-]{4,}(?:\.[A-Za-z0-9_\-]*)*"
    rb"|(?:AKIA|ASIA)[A-Z0-9]{16}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w\-]{16,}|xox[a-z]-[\w\-]{10,}"
    rb"|AIza[\w\-]{30,}|hv[sb]\.[\w\-]{20,}|AGE-SECRET-KEY-[A-Z0-9\-]{20,}|dckr_pat_[\w\-]{16,}|npm_[A-Za-z0-9]{30,}"
    rb"|SG\.[\w\-]{16,}\.[\w\-]{16,}|sk-[\w\-]{20,})"
    rb"|\$(?:1|2[abxy]?|5|6|7|y|gy|argon2\w{0,2}|scrypt|pbkdf2[\w\-]{0,12})\$[^\s:\"',]{8,}"  # crypt(3)
    rb"|(?<![\w+/=\-])[A-Za-z0-9+/]{43}=(?![\w+/=])"  # a key of 32 bytes
)
_SCHEME = re.compile(rb"(\b(?:bearer|basic)[ \t]+)([A-Za-z0-9+/=_.~\-]{8,})", re.IGNORECASE)
_LONG = re.compile(rb"(?<![A-Za-z0-9+/_\-])[A-Za-z0-9+/_\-]{60,}={0,2}")
_UPPER, _LOWER, _DIGIT = re.compile(rb"[A-Z]"), re.compile(rb"[a-z]"), re.compile(rb"\d")


def redact(text: bytes, counts: Counts) -> bytes:
    """Return complete lines without their secrets, and count them in `counts`. Line ends stay where they were."""
    for rule, pattern, replace in _BY_FORM:
        text = pattern.sub(_counted(rule, replace, counts), text)
    output: List[bytes] = []
    at = 0
    for start, end in lines_with_names(text):
        line = text[start:end]
        for rule, pattern, replace in _BY_NAME:
            line = pattern.sub(_counted(rule, replace, counts), line)
        output += [text[at:start], line]
        at = end
    return b"".join([*output, text[at:]]) if output else text


def lines_with_names(text: bytes) -> List[Tuple[int, int]]:
    """Return begin and end of the lines that have a part of a secret's name, in order; the rules by name are slow."""
    lower = text.lower()
    spans: Set[Tuple[int, int]] = set()
    for stem in _STEMS:
        at = lower.find(stem)
        while at >= 0:
            end = lower.find(b"\n", at)
            end = len(lower) if end < 0 else end + 1
            spans.add((lower.rfind(b"\n", 0, at) + 1, end))
            at = lower.find(stem, end)
    return sorted(spans)


def count(counts: Counts, rule: str, number: int = 1) -> None:
    """Add to the count of a rule."""
    counts[rule] = counts.get(rule, 0) + number


def _counted(rule: str, replace: Callable[[Match[bytes]], bytes], counts: Counts) -> Callable[[Match[bytes]], bytes]:
    def counted(match: Match[bytes]) -> bytes:
        result = replace(match)
        if result != match.group():
            count(counts, rule)
        return result

    return counted


def _second(match: Match[bytes]) -> bytes:
    return match.group() if _NOTHING.match(match.group(2).rstrip()) else match.group(1) + COVER


def _first(match: Match[bytes]) -> bytes:
    end = b"\r" if match.group().endswith(b"\r") else b""
    return match.group() if _NOTHING.match(match.group(2).rstrip()) else match.group(1) + COVER + end


def _quoted(match: Match[bytes]) -> bytes:
    name, slashes = match.group(1, 2)
    value = match.group()[len(name) :]
    if _NOTHING.match(value):
        return match.group()
    quote = value[: len(slashes) + 1]
    closed = len(value) > len(quote) and value.endswith(quote)
    return name + quote + COVER + (quote if closed else b"")


def _list(match: Match[bytes]) -> bytes:
    return match.group(1) + b'"' + COVER + b'"'


def _in_url(match: Match[bytes]) -> bytes:
    user, colon, password = match.groups()
    if colon:
        return b"://" + user + b":" + (COVER if password else b"") + b"@"
    userinfo = user + password
    return match.group() if re.fullmatch(rb"[a-z_][a-z0-9_\-]{0,15}", userinfo) else b"://" + COVER + b"@"


def _long(match: Match[bytes]) -> bytes:
    run = match.group()
    mixed = all(pattern.search(run) for pattern in (_UPPER, _LOWER, _DIGIT))
    return COVER if mixed else run


def _cover(match: Match[bytes]) -> bytes:
    return COVER


_Rule = Tuple[str, Pattern[bytes], Callable[[Match[bytes]], bytes]]

_BY_FORM: Tuple[_Rule, ...] = (
    ("password in a URL", _IN_URL, _in_url),
    ("authorization", _SCHEME, _second),
    ("token or hash of a known form", _FORMS, _cover),
    ("long random text", _LONG, _long),
)
_BY_NAME: Tuple[_Rule, ...] = (
    ("data of a Secret", _DATA, lambda match: match.group(1) + b'"' + COVER + b'"'),
    ("authorization", _HEADER, _second),
    ("value of a secret name", _LIST, _list),
    ("value of a secret name", _ESCAPED_BLOCK, _second),
    ("value of a secret name", _WIRELESS, _second),
    ("value of a secret name", _PAIR, _second),
    ("value of a secret name", _FIRST, _first),
    ("value of a secret name", _QUOTED, _quoted),
    ("value of a secret name", _NAMED, _second),
    ("option of a command", _FLAG, _second),
    ("option of a command", _SHORT_FLAG, _second),
)
