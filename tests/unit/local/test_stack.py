import fcntl
import os
from pathlib import Path

import msgspec
import pytest

from souk_local import gateway, proc, processes, programs, stack, status, store
from souk_local.errors import StackError
from souk_local.native import NativeEngine
from souk_local.processes import Record
from souk_local.site import Site
from souk_local.stack import Stack


@pytest.fixture
def whole(site: Site) -> Stack:
    return Stack(site, NativeEngine(site))


def test_nothing_runs_in_a_new_home_and_nothing_has_to(whole: Stack) -> None:
    assert not any(whole.engine_of(name).alive(name) for name in store.MODULES)
    assert not whole.settled(["postgres"])
    assert whole.settled(["bridge"])


def test_a_localstack_that_had_nothing_deployed_has_forgotten_nothing(whole: Stack) -> None:
    programs.note_fresh_start(whole)
    assert not whole.note(programs.PENDING)


def test_what_a_restarted_localstack_forgot_is_pending_since_the_one_before_had_started(whole: Stack) -> None:
    whole.write_note(programs.SINCE, "2026-01-01T10:00:00+00:00")
    whole.layout.deployed.write_text("{}")
    programs.note_fresh_start(whole)
    assert whole.note(programs.PENDING) == "2026-01-01T10:00:00+00:00"


def test_the_gateway_sends_nobody_to_a_localstack_that_has_forgotten_its_functions(whole: Stack) -> None:
    whole.layout.deployed.write_text("{}")
    gateway.write_routes({"order": "abc123"}, place=whole.layout)
    programs.note_fresh_start(whole)
    assert gateway.routes(whole.layout) == {}


def test_a_second_restart_does_not_shorten_what_is_pending(whole: Stack) -> None:
    whole.layout.deployed.write_text("{}")
    whole.write_note(programs.PENDING, "2026-01-01T10:00:00+00:00")
    programs.note_fresh_start(whole)
    assert whole.note(programs.PENDING) == "2026-01-01T10:00:00+00:00"


def test_the_bridge_is_not_started_before_a_deployment(whole: Stack) -> None:
    with pytest.raises(StackError, match="souk deploy"):
        programs.start_bridge(whole, say=lambda _name, _text: None)


def test_a_localstack_of_the_users_own_is_none_of_our_parts(site: Site) -> None:
    place = msgspec.structs.replace(site.layout, foreign_localstack="http://127.0.0.1:4566")
    own = Stack(msgspec.structs.replace(site, layout=place), NativeEngine(site))
    assert set(store.MODULES) - set(own.parts()) == {"localstack"}


def test_wiping_localstack_forgets_what_was_deployed_on_it(whole: Stack) -> None:
    whole.layout.deployed.write_text("{}")
    whole.write_note(programs.PENDING, "2026-01-01T10:00:00+00:00")
    whole.wipe(["localstack"])
    assert not whole.layout.deployed.exists()
    assert not whole.note(programs.PENDING)


def test_a_stack_that_runs_on_other_ports_is_told_by_them(whole: Stack) -> None:
    here = os.getpid()
    processes.remember(whole.layout, "postgres", Record(pid=here, started=proc.started(here) or 0))
    whole.write_note("base", "9000")
    with pytest.raises(StackError, match="from 9000 on, and SOUK_PORT_BASE says 20000"):
        whole.start(["postgres"], say=lambda _name, _text: None)
    with pytest.raises(StackError, match="export SOUK_PORT_BASE=9000"):
        status.of(whole)


def test_a_stack_that_was_ended_may_come_back_on_other_ports(whole: Stack) -> None:
    whole.write_note("base", "9000")
    whole.same_ports()


def test_tools_and_credentials_outlive_a_reset_unless_everything_goes(whole: Stack) -> None:
    whole.wipe(list(store.MODULES))
    assert whole.layout.credentials.exists()
    assert whole.layout.tools.exists()
    whole.wipe(list(store.MODULES), everything=True)
    assert not whole.layout.credentials.exists()
    assert not whole.layout.tools.exists()


def test_tools_that_other_stacks_use_too_outlive_everything(site: Site, tmp_path: Path) -> None:
    place = msgspec.structs.replace(site.layout, tools=tmp_path / "shared")
    place.tools.mkdir()
    whole = Stack(msgspec.structs.replace(site, layout=place), NativeEngine(site))
    whole.wipe(list(store.MODULES), everything=True)
    assert place.tools.exists()


def test_two_commands_do_not_change_a_stack_at_once(whole: Stack) -> None:
    lock = whole.layout.records / "lock"
    with stack.alone(lock), lock.open("w") as other, pytest.raises(BlockingIOError):
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
