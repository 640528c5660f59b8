"""A listener does not give up because of what it cannot have yet."""

import pytest

from souk import bells
from souk.bells import Listener
from souk.errors import Unavailable


class Late(Listener):
    """Has no settings at its first try; ends with its second."""

    tries = 0

    def _listen(self) -> None:
        self.tries += 1
        if self.tries == 1:
            raise Unavailable("secrets cannot be read")
        self.stop()


def test_a_listener_without_settings_tries_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bells, "AGAIN", 0.0)
    late = Late("order", "orders", lambda _: None)
    late._run()
    assert (late.tries, late.hears) == (2, False)
