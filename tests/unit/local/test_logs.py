from pathlib import Path

from souk_local import logs


def test_the_last_lines_of_each_come_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_text("1\n2\n3\n")
    files = {"redis-1": tmp_path / "a.log", "none": tmp_path / "b.log"}
    assert list(logs.follow_files(files, lines=2, follow=False)) == ["redis-1  2", "redis-1  3"]


def test_what_is_added_is_told_in_whole_lines(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("old\nnew\nhal")
    assert logs.added_to(log, 4) == (8, ["new"])


def test_a_log_that_was_cut_is_read_from_its_new_end(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_text("")
    assert logs.added_to(log, 100) == (0, [])
