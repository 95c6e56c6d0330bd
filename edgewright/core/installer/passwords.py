"""SHA-512 crypt: how Linux stores a password (the text that begins with `$6$`).

Python's own `crypt` was removed in 3.13, and no outside program should get a password to see. Follows the published
description "Unix crypt using SHA-256 and SHA-512" (Ulrich Drepper, version 0.6).
"""

from __future__ import annotations

import hashlib

ALPHABET = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
"""Letters of a salt, and of the hash: 6 bits each."""
ROUNDS = 5000
"""The number of rounds that is meant when the text does not name one."""

_ORDER = [(0, 21, 42), (22, 43, 1), (44, 2, 23), (3, 24, 45), (25, 46, 4), (47, 5, 26), (6, 27, 48), (28, 49, 7),
          (50, 8, 29), (9, 30, 51), (31, 52, 10), (53, 11, 32), (12, 33, 54), (34, 55, 13), (56, 14, 35), (15, 36, 57),
          (37, 58, 16), (59, 17, 38), (18, 39, 60), (40, 61, 19), (62, 20, 41)]  # fmt: skip


def sha512_crypt(password: str, salt: str) -> str:
    """Return `$6$SALT$HASH`. Raises `ValueError` for a salt that is not 8 to 16 letters of `ALPHABET`."""
    if not 8 <= len(salt) <= 16 or any(letter not in ALPHABET for letter in salt):
        raise ValueError("a salt is 8 to 16 letters of its alphabet")
    key, grain = password.encode(), salt.encode("ascii")
    other = hashlib.sha512(key + grain + key).digest()
    start = hashlib.sha512(key + grain + _stretched(other, len(key)))
    bits = len(key)
    while bits:
        start.update(other if bits & 1 else key)
        bits >>= 1
    digest = start.digest()
    long_key = _stretched(hashlib.sha512(key * len(key)).digest(), len(key))
    long_salt = _stretched(hashlib.sha512(grain * (16 + digest[0])).digest(), len(grain))
    for number in range(ROUNDS):
        parts = [long_key if number & 1 else digest]
        if number % 3:
            parts.append(long_salt)
        if number % 7:
            parts.append(long_key)
        parts.append(digest if number & 1 else long_key)
        digest = hashlib.sha512(b"".join(parts)).digest()
    text = "".join(_letters(digest[a] << 16 | digest[b] << 8 | digest[c], 4) for a, b, c in _ORDER)
    return f"$6${salt}${text}{_letters(digest[63], 2)}"


def _stretched(block: bytes, length: int) -> bytes:
    return (block * (length // len(block) + 1))[:length]


def _letters(value: int, count: int) -> str:
    return "".join(ALPHABET[value >> 6 * place & 63] for place in range(count))
