import os
import subprocess
import sys
from collections.abc import Iterator

import msgspec
import pytest

from souk_local import proc, processes
from souk_local.errors import StackError
from souk_local.layout import Layout
from souk_local.processes import Program, Record

FOR_EVER = "import time; print('here', flush=True); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {FOR_EVER}"
UNMARKED = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {STUBBORN!r}], env={{}}); {FOR_EVER}"
PARENT = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {STUBBORN!r}]); {FOR_EVER}"


def program(code: str, name: str = "one") -> Program:
    return Program(name=name, argv=(sys.executable, "-c", code))


@pytest.fixture
def stranger() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen([sys.executable, "-c", FOR_EVER], stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        yield process
        process.kill()


def started(place: Layout, code: str) -> Record:
    record = processes.launch(program(code), place)
    assert processes.gone([], 0)
    while "here" not in place.log("one").read_text():
        assert processes.is_alive(record), place.log("one").read_text()
    return record


def test_a_started_program_runs_in_a_session_of_its_own_and_writes_its_log(place: Layout) -> None:
    record = started(place, FOR_EVER)
    assert os.getsid(record.pid) == record.pid
    processes.stop(place, "one")
    assert place.log("one").read_text() == "here\n"


def test_stopping_ends_it_and_forgets_it(place: Layout) -> None:
    record = started(place, FOR_EVER)
    processes.stop(place, "one")
    assert proc.started(record.pid) is None
    assert processes.record_of(place, "one") is None
    assert not processes.record_path(place, "one").exists()


def test_a_program_that_does_not_listen_is_killed(place: Layout) -> None:
    record = started(place, STUBBORN)
    processes.stop(place, "one", patience=0.2)
    assert not processes.is_alive(record)


def test_what_it_started_ends_with_it(place: Layout) -> None:
    record = started(place, PARENT)
    children = [pid for pid in proc.descendants(record.pid) if pid != record.pid]
    while not children:
        children = [pid for pid in proc.descendants(record.pid) if pid != record.pid]
    processes.stop(place, "one", patience=0.2)
    assert [pid for pid in children if proc.started(pid)] == []


def test_orphans_of_a_killed_program_are_found_by_their_mark(place: Layout) -> None:
    record = started(place, PARENT)
    while len(proc.with_environment(processes.MARK, processes.mark(place, "one"))) == 1:
        assert processes.is_alive(record)
    processes.tell([record], 9)
    assert processes.gone([record], 5)
    processes.stop(place, "one", patience=0.2)
    assert proc.with_environment(processes.MARK, processes.mark(place, "one")) == []


def test_orphans_that_carry_no_mark_are_found_by_their_session(place: Layout) -> None:
    record = started(place, UNMARKED)
    while len(orphans := proc.session(record.pid)) == 1:
        assert processes.is_alive(record)
    processes.tell([record], 9)
    assert processes.gone([record], 5)
    processes.clear(place, "one")
    assert [pid for pid in orphans if proc.started(pid)] == []


def test_a_record_never_leads_to_a_process_that_got_the_same_pid_later(
    place: Layout, stranger: subprocess.Popen[bytes]
) -> None:
    born = proc.started(stranger.pid)
    assert born
    stale = Record(pid=stranger.pid, started=born - 1)
    processes.record_path(place, "one").write_bytes(msgspec.json.encode(stale))
    processes.stop(place, "one", patience=0.2)
    assert stranger.poll() is None


def test_another_stacks_process_of_the_same_name_is_left_alone(
    place: Layout, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = msgspec.structs.replace(place, state=tmp_path_factory.mktemp("other"))
    for folder in (other.records, other.logs):
        folder.mkdir()
    record = started(place, FOR_EVER)
    processes.stop(other, "one", patience=0.2)
    assert processes.is_alive(record)
    processes.stop(place, "one")


def test_a_record_that_was_cut_off_counts_for_nothing(place: Layout) -> None:
    processes.record_path(place, "one").write_text('{"pid": 1')
    assert processes.record_of(place, "one") is None


def test_a_program_that_is_not_there_is_an_expected_error(place: Layout) -> None:
    with pytest.raises(StackError, match="nowhere"):
        processes.launch(Program(name="one", argv=("/nowhere/at-all",)), place)
