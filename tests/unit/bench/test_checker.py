"""The checker is not blind: a history in order is found in order, and each thing that must not be is found by its rule."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from bench.checkout.case import Case
from bench.checkout.checker import RULES, check, name_of
from bench.checkout.evidence import Evidence, digest
from bench.checkout.journal import Entry, acts_of
from bench.checkout.records import (
    Cart,
    Decision,
    Hold,
    Line,
    Moved,
    Order,
    Payment,
    Reservation,
    Snapshot,
    Stock,
    Submission,
    Voucher,
)

ORDER, TEA, CUP = "order-1", "tea", "cup"
HASH = digest({"order_id": ORDER})
Spoil = Callable[[Evidence, list[Entry]], tuple[Evidence, list[Entry]]]


def entry(act: str, what: str, at: float, *, status: int = 200, **known: Any) -> Entry:
    return Entry(number=int(at * 10), act=act, what=what, sent=at, answered=at + 0.5, status=status, **known)


def changed(version: int, sku: str, quantity: int, lines: int, items: int) -> dict[str, Any]:
    return {"version": version, "sku": sku, "quantity": quantity, "line_count": lines, "item_count": items}


def journal() -> list[Entry]:
    """A shopper takes two cups of tea and one cup, pays, and staff receive some tea."""
    asked, money = {"sku": TEA, "quantity": 2}, {"order": ORDER, "reference": "money-1"}
    submitted = {"order_id": ORDER}
    return [
        entry("1", "open", 1, key="k1", answer={"id": "cart", "version": 10}),
        entry("2", "add", 2, cart="cart", key="k2", asked=asked, status=503),
        entry("2", "add", 3, cart="cart", key="k2", asked=asked, answer=changed(20, TEA, 2, 1, 2)),
        entry("2", "add", 4, cart="cart", key="k2", asked=asked, answer=changed(20, TEA, 2, 1, 2)),
        entry("3", "add", 5, cart="cart", asked={"sku": CUP, "quantity": 1}, answer=changed(30, CUP, 1, 2, 3)),
        entry("4", "submit", 6, cart="cart", key="k4", seen='"30"', status=202, answer=submitted),
        entry("5", "submit", 6, cart="cart", seen='"30"', status=202, answer=submitted),
        entry("6", "follow", 7, cart="cart", asked={"order": ORDER}, answer={"status": "pending"}),
        entry("7", "follow", 8, cart="cart", asked={"order": ORDER}, answer={"status": "placed"}),
        entry("8", "pay", 9, key="k8", asked=money, status=201, answer={"id": ORDER}),
        entry("9", "adjust", 10, key="k9", asked={"sku": TEA, "note": "more"}, status=201, answer={"version": 3}),
    ]


def evidence() -> Evidence:
    """What the stores hold of it."""
    cart = Cart(id="cart", version=40, state="closed", attempt=1, lines={TEA: 2, CUP: 1})
    return Evidence(
        live={"cart": cart},
        kept={"cart": cart},
        submissions={
            ORDER: Submission(
                order_id=ORDER, cart_id="cart", attempt=1, state="placed", lines={TEA: 2, CUP: 1}, total=1300
            )
        },
        decisions=[Decision(order_id=ORDER, cart_id="cart", attempt=1, rejected=False)],
        orders={
            ORDER: Order(
                id=ORDER,
                number="S-1",
                status="paid",
                cart_id="cart",
                attempt=1,
                goods=800,
                shipping=400,
                tax=100,
                total=1300,
                tax_included=False,
                snapshot_hash=HASH,
            )
        },
        lines=[
            Line(order_id=ORDER, sku=TEA, product_id="p1", quantity=2, unit_price=250, total=500, tax=60),
            Line(order_id=ORDER, sku=CUP, product_id="p2", quantity=1, unit_price=300, total=300, tax=40),
        ],
        reservations=[
            Reservation(order_id=ORDER, sku=TEA, location="default", quantity=2, state="committed"),
            Reservation(order_id=ORDER, sku=CUP, location="default", quantity=1, state="committed"),
        ],
        stock=[
            Stock(sku=TEA, location="default", on_hand=9, reserved=2, backorder=0),
            Stock(sku=CUP, location="default", on_hand=1, reserved=1, backorder=0),
        ],
        ledger=[
            Moved(sku=TEA, location="default", on_hand=5, reserved=0, why="received", note="first"),
            Moved(sku=CUP, location="default", on_hand=1, reserved=0, why="received", note="first"),
            Moved(sku=TEA, location="default", on_hand=0, reserved=2, why="reserved", order_id=ORDER),
            Moved(sku=CUP, location="default", on_hand=0, reserved=1, why="reserved", order_id=ORDER),
            Moved(sku=TEA, location="default", on_hand=4, reserved=0, why="received", note="more"),
            Moved(sku=TEA, location="default", on_hand=0, reserved=1, why="reserved", quote_id="quote"),
            Moved(sku=TEA, location="default", on_hand=0, reserved=-1, why="expired", quote_id="quote"),
        ],
        holds=[Hold(quote_id="quote", sku=TEA, location="default", quantity=1, state="expired")],
        vouchers=[Voucher(code="V", usage_limit=1, used=1, held=1, released=0)],
        payments=[Payment(order_id=ORDER, reference="money-1", amount=1300)],
        snapshots={ORDER: Snapshot(order_id=ORDER, digests=frozenset({HASH}), lines={TEA: (2, 250), CUP: (1, 300)})},
        sold={"p1": 2, "p2": 1},
        shown={TEA: 7, CUP: 0},
        left={"cart outbox": 0, "souk.cart-stock": 0},
    )


def replaced(**fields: Any) -> Spoil:
    """Put something else in the place of evidence."""
    return lambda found, told: (msgspec.structs.replace(found, **fields), told)


def of(name: str, key: str | int, **fields: Any) -> Spoil:
    """Change one row among the evidence."""

    def spoil(found: Evidence, told: list[Entry]) -> tuple[Evidence, list[Entry]]:
        rows = getattr(found, name).copy()
        rows[key] = msgspec.structs.replace(rows[key], **fields)
        return msgspec.structs.replace(found, **{name: rows}), told

    return spoil


def without(name: str, key: str | int) -> Spoil:
    """Lose one row of the evidence."""

    def spoil(found: Evidence, told: list[Entry]) -> tuple[Evidence, list[Entry]]:
        rows = getattr(found, name).copy()
        del rows[key]
        return msgspec.structs.replace(found, **{name: rows}), told

    return spoil


def twice(name: str, number: int, **fields: Any) -> Spoil:
    """Let one row be there twice."""

    def spoil(found: Evidence, told: list[Entry]) -> tuple[Evidence, list[Entry]]:
        rows = getattr(found, name)
        return msgspec.structs.replace(found, **{name: [*rows, msgspec.structs.replace(rows[number], **fields)]}), told

    return spoil


def said(place: int, **fields: Any) -> Spoil:
    """Let a shopper have been told something else."""
    return lambda found, told: (
        found,
        [*told[:place], msgspec.structs.replace(told[place], **fields), *told[place + 1 :]],
    )


def also(one: Entry) -> Spoil:
    """Let something else have happened to a shopper."""
    return lambda found, told: (found, [*told, one])


PLANTED: list[tuple[str, Spoil]] = [
    ("every submission has one outcome", without("submissions", ORDER)),
    ("every submission has one outcome", without("decisions", 0)),
    ("every submission has one outcome", twice("decisions", 0)),
    ("every submission has one outcome", of("decisions", 0, rejected=True)),
    ("every submission has one outcome", without("orders", ORDER)),
    ("every submission has one outcome", of("submissions", ORDER, state="rejected")),
    ("every submission has one outcome", of("submissions", ORDER, state="abandoned")),
    ("every submission has one outcome", of("submissions", ORDER, state="open")),
    ("shoppers were told the outcome", said(8, answer={"status": "rejected"})),
    ("shoppers were told the outcome", said(8, answer={"status": "pending"})),
    (
        "shoppers were told the outcome",
        also(entry("x", "follow", 20, asked={"order": ORDER}, answer={"status": "pending"})),
    ),
    ("nothing was ordered unasked", without("submissions", ORDER)),
    ("nothing was ordered unasked", of("submissions", ORDER, cart_id="another")),
    ("orders have the lines that were submitted", of("lines", 0, quantity=1)),
    ("orders have the lines that were submitted", without("lines", 1)),
    ("orders have the lines that were submitted", of("orders", ORDER, total=1200)),
    ("submissions are carts that existed", of("submissions", ORDER, lines={TEA: 2})),
    ("submissions are carts that existed", said(6, seen='"20"')),
    ("carts are what was acknowledged", of("live", "cart", lines={TEA: 2})),
    ("carts are what was acknowledged", of("live", "cart", lines={TEA: 4, CUP: 1})),
    ("carts are what was acknowledged", said(4, answer=changed(30, CUP, 1, 1, 1))),
    ("carts are what was acknowledged", said(4, answer=changed(15, CUP, 1, 2, 3))),
    ("carts are kept", without("kept", "cart")),
    ("carts are kept", of("kept", "cart", version=39)),
    ("carts are kept", of("live", "cart", version=41, compared=False)),
    ("shoppers see their carts", also(entry("x", "look", 20, cart="other", answer={"version": 40, "lines": []}))),
    ("shoppers see their carts", also(entry("x", "look", 20, cart="cart", answer={"version": 40, "lines": []}))),
    ("no cart stays frozen", of("live", "cart", state="frozen")),
    ("no cart stays frozen", of("live", "cart", state="open")),
    ("one key gets one answer", said(3, answer=changed(25, TEA, 2, 1, 2))),
    ("one seen cart is one order", said(6, answer={"order_id": "order-2"})),
    ("money sums", of("orders", ORDER, total=1301)),
    ("money sums", of("orders", ORDER, goods=700, total=1200)),
    ("money sums", of("lines", 0, total=501)),
    ("money sums", of("orders", ORDER, discount=100)),
    ("snapshots are whole", without("snapshots", ORDER)),
    ("snapshots are whole", of("snapshots", ORDER, digests=frozenset({"other"}))),
    ("snapshots are whole", of("snapshots", ORDER, lines={TEA: (2, 250)})),
    ("the ledger sums", of("stock", 0, on_hand=8)),
    ("the ledger sums", without("ledger", 0)),
    ("the ledger sums", of("reservations", 0, quantity=1)),
    ("the ledger sums", of("stock", 1, on_hand=0)),
    ("the ledger sums", of("stock", 1, reserved=-1)),
    ("reservations match orders", without("reservations", 0)),
    ("reservations match orders", of("reservations", 0, state="held")),
    ("reservations match orders", of("orders", ORDER, status="cancelled")),
    ("reservations match orders", twice("reservations", 0, order_id="nobody")),
    ("stock moved once per order", twice("ledger", 2)),
    ("stock moved once for quotes", of("holds", 0, state="held")),
    ("stock moved once for quotes", twice("ledger", 5)),
    ("the ledger sums", of("holds", 0, state="held")),
    ("vouchers were not overused", of("vouchers", 0, held=2, used=2)),
    ("vouchers were not overused", of("vouchers", 0, used=2)),
    (
        "orders are unique",
        lambda found, told: (msgspec.structs.replace(found, orders={**found.orders, "2": found.orders[ORDER]}), told),
    ),
    ("money was noted once", without("payments", 0)),
    ("money was noted once", twice("payments", 0)),
    ("money was noted once", said(9, status=409)),
    ("adjustments were made once", without("ledger", 4)),
    ("adjustments were made once", twice("ledger", 4)),
    ("cancellations and shipments stand", of("orders", ORDER, status="placed")),
    ("cancellations and shipments stand", also(entry("x", "cancel", 20, asked={"order": ORDER}, answer={"id": ORDER}))),
    ("sales were counted once", replaced(sold={"p1": 4, "p2": 1})),
    ("sales were counted once", replaced(sold={"p1": 2, "p2": 0})),
    ("carts show the stock there is", replaced(shown={TEA: 5, CUP: 0})),
    ("nothing waits", replaced(left={"cart outbox": 1})),
    ("nothing waits", replaced(left={"souk.cart-stock.dead": 1})),
    ("no bug was answered", said(1, status=500)),
]


def broken(found: Evidence, told: list[Entry]) -> set[str]:
    return {name for name, faults in check(Case(evidence=found, acts=list(acts_of(told)))).items() if faults}


def test_a_history_in_order_breaks_no_rule() -> None:
    assert broken(evidence(), journal()) == set()


@pytest.mark.parametrize(("rule", "spoil"), PLANTED)
def test_what_is_planted_is_found(rule: str, spoil: Spoil) -> None:
    assert rule in broken(*spoil(evidence(), journal()))


def test_a_cart_that_only_postgres_has_since_a_failover_is_not_lost() -> None:
    stale = of("live", "cart", version=20, lines={TEA: 2}, state="open", attempt=0, compared=False)
    assert broken(*stale(evidence(), journal())) == set()


def test_each_rule_is_shown_something_that_breaks_it() -> None:
    assert {name_of(rule) for rule in RULES} == {rule for rule, _ in PLANTED}


def test_what_was_given_up_before_it_began_is_no_fault_of_a_history() -> None:
    found = msgspec.structs.replace(evidence(), left={"souk.cart-stock.dead": 3})
    acts = list(acts_of(journal()))
    assert not any(check(Case(evidence=found, acts=acts, before={"souk.cart-stock.dead": 3})).values())
    assert any(check(Case(evidence=found, acts=acts, before={"souk.cart-stock.dead": 2})).values())


def test_what_waits_for_a_store_that_is_not_there_is_left_aside() -> None:
    found = msgspec.structs.replace(evidence(), left={"souk.product-graph": 3})
    case = Case(evidence=found, acts=list(acts_of(journal())), aside=frozenset({"souk.product-graph"}))
    assert not any(check(case).values())
