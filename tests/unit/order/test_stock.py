"""What staff may say of stock."""

from typing import get_args

import msgspec
import pytest

from chalicelib.order.model.stock import Why
from chalicelib.order.stock import Adjustment, ByStaff

STAFFS = get_args(ByStaff)


def test_the_first_six_reasons_are_what_staff_may_say() -> None:
    assert list(STAFFS) == list(Why)[: len(STAFFS)]
    assert len(STAFFS) == 6


@pytest.mark.parametrize("reason", sorted(set(Why) - set(STAFFS)))
def test_staff_cannot_speak_for_the_shop_itself(reason: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=r"\$\.reason"):
        msgspec.convert({"change": 1, "reason": reason}, Adjustment)
