"""Plays every scene with the whole protocol, which must hold, and without each line of it, which must break."""

import argparse
import os
import sys
import textwrap
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor

from order_path.explore import Explorer, Found
from order_path.played import FULL, QUICK, without
from order_path.scenes import Line, Scene

COLUMNS = "{:<33} {:>9} {:>11} {:>6} {:>7}  {}"


def explored(scene: Scene) -> Found:
    """Return what exploring a scene comes to."""
    return Explorer(scene).run()


def main(arguments: Sequence[str] | None = None) -> int:
    """Play and report; non-zero when the protocol breaks, or holds without a line that it is said to need."""
    parser = argparse.ArgumentParser(prog="make model", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="only the small scenes")
    scenes = QUICK if parser.parse_args(arguments).quick else FULL
    with ProcessPoolExecutor(os.cpu_count()) as pool:
        whole = pool.map(explored, scenes)
        lacking = pool.map(explored, [without(line) for line in Line])
        wrong = _told_whole(whole) + _told_lacking(lacking)
    print(f"\n{wrong or 'no'} scene{'s' if wrong != 1 else ''} went otherwise than the record says")
    return 1 if wrong else 0


def _told_whole(results: Iterable[Found]) -> int:
    """Print what the whole protocol came to and return how many scenes broke it."""
    print("The whole protocol: every reachable state, none of which may break a promise\n")
    print(COLUMNS.format("scene", "states", "transitions", "depth", "seconds", "violations"))
    broken = [found for found in map(_row, results) if found.broken]
    for found in broken:
        _print_trace(found)
    return len(broken)


def _told_lacking(results: Iterable[Found]) -> int:
    """Print how the protocol breaks without each line and return how many it does not miss."""
    print("\nWithout one line: the shortest way to a broken promise\n")
    print(COLUMNS.format("scene", "states", "transitions", "depth", "seconds", ""))
    missed = 0
    for found in results:
        print(f"\nWithout {found.scene.without}:")
        _row(found)
        _print_trace(found)
        missed += not found.broken
    return missed


def _row(found: Found) -> Found:
    said = found.broken or "0"
    row = COLUMNS.format(found.scene.name, found.states, found.transitions, found.depth, f"{found.seconds:.1f}", said)
    print(row, flush=True)
    return found


def _print_trace(found: Found) -> None:
    print(textwrap.indent("\n".join(f"{number:>2}. {what}" for number, what in enumerate(found.trace, 1)), "    "))


if __name__ == "__main__":
    sys.exit(main())
