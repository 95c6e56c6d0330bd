"""Why a delivery did not succeed."""

from __future__ import annotations


class DeliveryFailed(Exception):
    """`message` is a sentence without secrets; `rejected`: the receiver does not take this very message."""

    def __init__(self, message: str, *, rejected: bool = False) -> None:
        super().__init__(message)
        self.message = message
        self.rejected = rejected
