"""A run ends with a table, and with an exit code that tells whether anything was violated."""

import pytest
from bench import table
from bench.table import Row


def row(*violations: str) -> Row:
    return Row(
        what="buyers", done=3, outcome="3 placed", violations=violations, seconds=1, figures={table.SETTLED: 0.5}
    )


@pytest.mark.parametrize("as_json", [True, False])
def test_what_was_violated_ends_with_an_exit_code_of_its_own(
    capsys: pytest.CaptureFixture[str], *, as_json: bool
) -> None:
    with pytest.raises(SystemExit) as ended:
        table.tell([row(), row("one too many")], as_json=as_json)
    assert ended.value.code == table.VIOLATED
    assert "one too many" in capsys.readouterr().out


def test_what_holds_is_told_with_how_long_it_took_to_settle(capsys: pytest.CaptureFixture[str]) -> None:
    table.tell([row()], as_json=False)
    told = capsys.readouterr().out
    assert "3 placed" in told
    assert f"{table.SETTLED} 0.5" in told
