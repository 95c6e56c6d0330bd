"""Join material: test vectors that no release may change, and who can derive what."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from edgewright.core.clusters import join

S = bytes(range(32))


def test_vectors() -> None:
    """Computed by openssl and bc too: HMAC-SHA-256, and the remainders of repeated division by 36."""
    secret = join.host_secret(S, "edge-1")
    assert secret == hmac.new(S, b"host|edge-1", hashlib.sha256).digest()
    assert secret.hex() == "46a83c7a07b911bc5aeb2d1fe92a11b5ffa9ff75589df1544dd464509e1d065f"
    assert join.bootstrap_token(secret, 1).text == "7dsbkj.70rd3i5v81i3xudi"
    assert join.bootstrap_token(secret, 2).text == "ltwh0x.bbrb92tzig64udej"
    assert join.certificate_key(S, "edge-1", 1) == "268faa54c727eb38ff6bb39a277f72e2e419aea876a3b9f8f894334c9e77547f"
    assert join.cluster_token(S) == "066dc8e37f6fc5f5c16812851a5c00905828b59ab2193294fcdb4b9cfefbf58f"
    assert join.agent_token(S) == "053c4e3abfb2069446bade4d3186e429d155a4be72046a7d0347d2d22f4311fa"


def test_values_differ_by_host_epoch_and_cluster_and_have_their_form() -> None:
    tokens, keys = set(), set()
    for cluster in (S, bytes(32)):
        for host in ("a", "b", "kiel/ü"):
            for epoch in range(1, 50):
                token = join.bootstrap_token(join.host_secret(cluster, host), epoch)
                assert join.TOKEN.fullmatch(token.text)
                tokens.add(token)
                keys.add(join.certificate_key(cluster, host, epoch))
    assert len(tokens) == len(keys) == 2 * 3 * 49
    assert len({token.id for token in tokens}) == len(tokens)


def test_every_character_of_a_token_is_used_about_equally_often() -> None:
    text = "".join(join.bootstrap_token(join.host_secret(S, str(n)), 1).text.replace(".", "") for n in range(500))
    counts = [text.count(character) for character in "0123456789abcdefghijklmnopqrstuvwxyz"]
    assert min(counts) > 0.6 * len(text) / 36
    assert max(counts) < 1.5 * len(text) / 36


def test_secrets_have_32_bytes_and_do_not_show() -> None:
    assert len(join.new_secret()) == 32
    assert join.new_secret() != join.new_secret()
    for bad in (b"", bytes(31), bytes(33)):
        with pytest.raises(ValueError, match="a secret has 32 bytes"):
            join.host_secret(bad, "a")
    token = join.bootstrap_token(S, 1)
    assert token.secret not in f"{token} {token!r} {[token]}"
