"""Order numbers: what people say and write, derived from the order's id, so that they tell neither how many nor when.

`S-` and ten signs: nine that a hash of the id gives, and one that notices a mistyped sign and two that changed places.
"""

import hashlib

from souk.errors import Fault, Invalid, Refused

PREFIX = "S"
SIGNS = "23456789CDFHJKLMNPRTWXY"  # no vowels, so no words; and of signs that are taken for each other only one
DIGITS = 9
LENGTH = DIGITS + 1
HALF = 5
TRIES = 5
HASHED = 7  # bytes of the hash: some 41 bits of them count


class Taken(Refused):
    """Another order has that number."""

    code = "number-taken"


def number_of(order_id: str, nth: int = 0) -> str:
    """Return the number of an order: the same one every time; the `nth` further one where others are taken."""
    digest = hashlib.sha256(f"{order_id}:{nth}".encode()).digest()
    rest = int.from_bytes(digest[:HASHED], "big")
    digits = []
    for _ in range(DIGITS):
        rest, digit = divmod(rest, len(SIGNS))
        digits.append(digit)
    return written("".join(SIGNS[digit] for digit in [*digits, check(digits)]))


def check(digits: list[int]) -> int:
    """Return the digit that makes the weighted sum divisible by a prime: every weight differs, and so does every swap."""
    return -sum(weight * digit for weight, digit in enumerate(digits, 2)) % len(SIGNS)


def written(signs: str) -> str:
    """Return signs as they are written, with what all numbers begin with."""
    return f"{PREFIX}-{signs[:HALF]}-{signs[HALF:]}" if len(signs) > HALF else f"{PREFIX}-{signs}"


def sought(text: str) -> str:
    """Return how a number begins that somebody looks for, whatever dashes, blanks and small letters they type.

    Raises Invalid for what no number begins with, and for a whole number with a slip in it.
    """
    signs = "".join(text.upper().replace("-", " ").split()).removeprefix(PREFIX)
    if strange := sorted({sign for sign in signs if sign not in SIGNS}):
        raise Invalid("that is no order number", faults=[Fault("/text", f"numbers have no {' '.join(strange)}")])
    if len(signs) > LENGTH or (len(signs) == LENGTH and not is_right(signs)):
        raise Invalid("that is no order number", faults=[Fault("/text", "a sign is wrong, or two changed places")])
    return written(signs)


def is_right(signs: str) -> bool:
    """Tell whether the last of a number's signs is what the others ask for."""
    digits = [SIGNS.index(sign) for sign in signs]
    return digits[-1] == check(digits[:-1])
