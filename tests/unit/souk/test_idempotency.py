"""Attempts: what is kept of a request that may come again."""

import pytest
from cryptography.exceptions import InvalidTag

from souk.idempotency import Attempt
from souk.ids import new_id

BODY = b'{"password": "a-long-enough-secret"}'


def test_the_same_key_and_body_are_the_same_attempt() -> None:
    scope = new_id()
    assert Attempt.of(scope, "key", BODY) == Attempt.of(scope, "key", BODY)
    assert Attempt.of(scope, "key", BODY).fingerprint != Attempt.of(scope, "key", b"{}").fingerprint


def test_a_fingerprint_does_not_help_to_guess_the_body_without_the_key() -> None:
    scope = new_id()
    assert Attempt.of(scope, "key", BODY).fingerprint != Attempt.of(scope, "another", BODY).fingerprint


def test_a_kept_answer_is_readable_with_the_key_alone() -> None:
    scope, answer = new_id(), b'{"token": "told once"}'
    kept = Attempt.of(scope, "key", BODY).seal(answer)
    assert b"told once" not in kept
    assert Attempt.of(scope, "key", BODY).unseal(kept) == answer
    with pytest.raises(InvalidTag):
        Attempt.of(scope, "another", BODY).unseal(kept)
