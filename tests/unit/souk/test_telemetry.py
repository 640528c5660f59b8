"""Log lines: one JSON object each, and nothing in them that is private."""

import msgspec
import pytest

from souk import telemetry

REFUSED = """new row for relation "orders" violates check constraint "orders_total"
DETAIL:  Failing row contains (1, {"name": "Ada Byron"}).
CONTEXT:  JSON data, line 1: {"name": "Ada Byron"}"""


def test_a_row_that_a_database_would_not_keep_is_not_logged(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.logger("tea").error("a bug", exc_info=ValueError(REFUSED))
    line = msgspec.json.decode(capsys.readouterr().out)
    assert "orders_total" in line["exception"]
    assert "Ada" not in str(line)


def test_logs_are_lines_of_json_without_what_is_private(capsys: pytest.CaptureFixture[str]) -> None:
    telemetry.logger("thing").info("signed in", extra={"email": "ada@example.com", "attempts": 2, "refresh_token": "x"})
    line = msgspec.json.decode(capsys.readouterr().out)
    assert (line["message"], line["service"], line["attempts"]) == ("signed in", "thing", 2)
    assert (line["email"], line["refresh_token"]) == ("***", "***")
