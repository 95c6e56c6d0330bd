"""Bytes at rest and time from a key to the screen over thin links, beside the same console painted by stock Textual.

300 hosts report every five seconds. Each link carries bytes at its rate and takes half its round trip in each
direction; the terminal is a real emulator, and its answers come back over the same link. Aims: at rest 2 KB/s, on the
two slow links 300 B/s; a key is shown within the round trip and 0.5 s, at 8 KB/s 1.5 s.

slow_link.py [--no-stock] [--rest SECONDS] [RATE ...]   RATE in KB/s picks links, e.g. 20 8
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # started by its path, Python looks beside it only

from benchmarks.lib.ending import run_main
from benchmarks.lib.pty_run import child
from benchmarks.lib.thin_pty import Link, ThinTerm

LINKS = (Link(1e6, 0.05), Link(100e3, 0.15), Link(20e3, 0.6), Link(8e3, 0.6))
HOSTS, PERIOD, PATIENCE = 300, 5, 40.0
PATIENCE_OVER = float("inf")
"""Stands for a key of stock Textual whose effect was not seen in time."""
SCREENS: tuple[tuple[str, bytes, tuple[str, ...]], ...] = (
    ("Hosts", b"2", ("HOST", "HEALTH")),
    ("Tokens", b"3", ("shop-0", "shop-5")),
    ("Events", b"4", ("Events", "load")),
    ("Installers", b"6", ("Installers",)),
    ("Clusters", b":clusters\r", ("CLUSTER", "STATE")),
    ("Pulse", b"1", ("FLEET", "SITES")),
)
Figure = float | None
Figures = dict[str, Figure]


def console(link: Link, columns: int, lines: int, view: str, stock: bool, home: str) -> ThinTerm:
    """Start the console on a link."""
    words = [str(HOSTS), str(PERIOD), view, *(["stock"] if stock else [])]
    return ThinTerm(child("reporting_fleet.py", *words), link, columns, lines, {"HOME": home, "XDG_STATE_HOME": home})


def at_rest(term: ThinTerm, seconds: float) -> float:
    """Return bytes a second while nobody types; what a view needs to settle is left out."""
    term.run(2.5)
    before = term.received
    term.run(seconds)
    return (term.received - before) / seconds


def key_time(term: ThinTerm, key: bytes, seen: Callable[[ThinTerm], bool]) -> Figure:
    """Return seconds from a key to its effect on the near screen."""
    term.send(key)
    return term.until(seen, PATIENCE)


def views(link: Link, stock: bool, rest: float, home: str) -> tuple[Figures, Figures]:
    """Return bytes/s at rest of each screen, and seconds to open each, at 80x24."""
    resting: Figures = {}
    opening: Figures = {}
    term = console(link, 80, 24, "pulse", stock, home)
    try:
        opening["first frame"] = term.until(lambda term: term.shows("FLEET", "SITES"))
        term.run(3.0)
        for name, key, words in SCREENS:
            opening[name] = key_time(term, key, lambda term, words=words: term.shows(*words))  # type: ignore[misc]
            resting[name] = at_rest(term, rest)
            if name == "Hosts":
                opening["host detail"] = key_time(term, b"\r", lambda term: term.shows("Hosts ›", "CONDITION"))
                resting["host detail"] = at_rest(term, rest)
                key_time(term, b"2", lambda term: term.shows("HOST", "HEALTH"))
            if name == "Clusters":
                clusters(term, opening, resting, rest)
    finally:
        term.close()
    return resting, opening


def clusters(term: ThinTerm, opening: Figures, resting: Figures, rest: float) -> None:
    """Add a cluster that forms, and the first page of the wizard with a key typed in it."""
    opening["cluster"] = key_time(term, b"\r", lambda term: term.shows("Clusters ›"))
    resting["cluster"] = at_rest(term, rest)
    key_time(term, b"\x1b", lambda term: term.shows("CLUSTER", "STATE"))
    opening["cluster wizard"] = key_time(term, b"+", lambda term: term.shows("New cluster", "ABOUT"))
    opening["wizard key"] = key_time(term, b"quay", lambda term: term.shows("quay"))
    resting["cluster wizard"] = at_rest(term, rest)
    key_time(term, b"\x1b", lambda term: term.shows("Leave the wizard"))
    key_time(term, b"\x1b[B\r", lambda term: term.shows("CLUSTER", "STATE"))


def cursor(link: Link, columns: int, lines: int, stock: bool, rest: float, home: str) -> tuple[float, Figure, Figure]:
    """Return for *Hosts* of a size: bytes/s at rest, seconds of a cursor key (median), and of ten typed at once."""
    term = console(link, columns, lines, "hosts", stock, home)
    try:
        term.until(lambda term: term.shows("HOST", "HEALTH", SIGN) and term.marked_row() >= 0)
        resting = at_rest(term, rest)
        times: list[float] = []
        for key, step in ((b"j", 1), (b"j", 1), (b"k", -1), (b"j", 1), (b"j", 1)):
            goal = term.marked_row() + step
            took = key_time(term, key, lambda term, goal=goal: _pointed(term, goal))  # type: ignore[misc]
            if took is None:
                return resting, None, None
            times.append(took)
            term.run(0.7)
        goal = term.marked_row() + 10
        burst = key_time(term, b"j" * 10, lambda term: _pointed(term, goal))
        return resting, median(times), burst
    finally:
        term.close()


SIGN = "▲"


def _pointed(term: ThinTerm, row: int) -> bool:
    """Whether the cursor is on `row`, and the detail beside the table is about the host of that row."""
    if term.marked_row() != row:
        return False
    line = term.screen.display[row].partition("│")[0].split()
    return len(line) > 1 and sum(line[1] in shown for shown in term.screen.display) >= 2


def show(label: str, ours: Figure, stock: Figure, unit: str, aim: float, form: str = "{:.0f}") -> bool:
    """Print one figure with its aim, and stock Textual's beside it; return whether the aim is met."""
    met = ours is not None and ours <= aim
    mine = "over 40" if ours is None else form.format(ours)
    peer = "" if stock is None else f"   stock {form.format(stock) if stock < PATIENCE_OVER else 'over 40'} {unit}"
    if ours and stock and stock < PATIENCE_OVER:
        peer += f" = {stock / ours:.1f} x"
    print(f"  {label:<22}{mine:>8} {unit}   aim {form.format(aim)}   {'met   ' if met else 'MISSED'}{peer}", flush=True)
    return met


def one_link(link: Link, stock: bool, rest: float, home: str) -> list[bool]:
    """Measure and print one link."""
    slow = link.rate < 50e3
    rest *= 2 if slow else 1  # a slow link gets few frames: a short look may see none
    rest_aim, key_aim = (300.0 if slow else 2000.0), link.round_trip + (1.5 if link.rate < 10e3 else 0.5)
    print(f"{link.name}", flush=True)
    none: tuple[Figures, Figures] = ({}, {})
    resting, opening = views(link, False, rest, home)
    stock_resting, stock_opening = views(link, True, rest, home) if stock else none
    met = [show(f"rest {name}", resting[name], stock_resting.get(name), "B/s", rest_aim) for name in resting]
    seconds = "{:.2f}"
    show("first frame", opening.pop("first frame"), stock_opening.get("first frame"), "s", 9.99, seconds)
    met += [show(f"open {name}", opening[name], stock_opening.get(name), "s", key_aim, seconds) for name in opening]
    for columns, lines in ((132, 43), (200, 60)):
        mine = cursor(link, columns, lines, False, rest, home)
        peer: tuple[Figure, ...] = (None, None, None)
        if stock:
            rest_stock, *keys = cursor(link, columns, lines, True, rest, home)
            peer = (rest_stock, *(PATIENCE_OVER if took is None else took for took in keys))
        size = f"{columns}x{lines}"
        met.append(show(f"rest Hosts {size}", mine[0], peer[0], "B/s", rest_aim))
        met.append(show(f"cursor key {size}", mine[1], peer[1], "s", key_aim, seconds))
        met.append(show(f"ten keys {size}", mine[2], peer[2], "s", key_aim, seconds))
    return met


def main() -> int:
    """Run and print; 1 when an aim was missed."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--no-stock", action="store_true")
    parser.add_argument("--rest", type=float, default=6.0)
    parser.add_argument("rates", nargs="*", type=float)
    choice = parser.parse_args()
    met: list[bool] = []
    with tempfile.TemporaryDirectory() as home:
        for link in LINKS:
            if not choice.rates or link.rate / 1000 in choice.rates:
                met += one_link(link, not choice.no_stock, choice.rest, home)
    print(f"{sum(met)} of {len(met)} aims met")
    return 0 if all(met) else 1


if __name__ == "__main__":
    run_main(main)
