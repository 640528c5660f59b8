"""What a shopper asks for who stands for all others: a quote, sent to one and the same address."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

HOME = {
    "recipient": "Ada Lovelace",
    "street": "12 St James's Square",
    "city": "Springfield",
    "postal_code": "62701",
    "region": "IL",
    "country": "US",
}


def quote_for(
    lines: Sequence[Mapping[str, Any]],
    contact: Mapping[str, str],
    *,
    method: str = "standard",
    vouchers: Sequence[str] = (),
) -> dict[str, Any]:
    """Return what a quote is asked for with."""
    return {
        "lines": lines,
        "contact": contact,
        "shipping_address": HOME,
        "shipping_method": method,
        "vouchers": vouchers,
    }
