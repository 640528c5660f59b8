"""What every keeper of submissions promises."""

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from chalicelib.cart import live
from chalicelib.cart.model import Cart, Illegible, Reason, Rejection, Verdict, versioned
from chalicelib.cart.submission import Submissions
from souk.clock import utcnow
from souk.ids import new_id

from .keepers import MemorySubmissions, frozen, line, new_cart

pytestmark = pytest.mark.stores


def in_memory() -> Submissions:
    return MemorySubmissions()


def in_postgres() -> Submissions:
    return live.submissions


@pytest.fixture(params=[in_memory, in_postgres], ids=lambda keeper: keeper.__name__)
def submissions(request: pytest.FixtureRequest, stores: dict[str, str]) -> Submissions:
    keeper: Submissions = request.param()
    return keeper


def submitted(version: int = 2) -> Cart:
    return versioned(frozen(versioned(new_cart(line()), version - 1)), version)


def test_the_first_submission_under_an_order_id_stands(submissions: Submissions) -> None:
    cart = submitted()
    first = submissions.open(cart, utcnow())
    again = submissions.open(replace(cart, quote_id=new_id()), utcnow())
    assert first == again == submissions.find(cart.order_id)


def test_what_was_never_submitted_is_not_found(submissions: Submissions) -> None:
    assert submissions.find(new_id()) is None


def test_a_cart_has_one_open_submission(submissions: Submissions) -> None:
    cart = submitted()
    first = submissions.open(cart, utcnow())
    assert submissions.open(replace(cart, attempt=cart.attempt + 1), utcnow()) == first


def test_after_a_verdict_a_cart_can_be_submitted_again(submissions: Submissions) -> None:
    cart = submitted()
    submissions.open(cart, utcnow())
    submissions.settle(cart.order_id, Verdict.REJECTED, utcnow())
    again = replace(cart, attempt=cart.attempt + 1)
    assert submissions.open(again, utcnow()).fact.order_id == again.order_id
    assert submissions.open(cart, utcnow()).verdict is Verdict.REJECTED


def test_the_first_verdict_stands(submissions: Submissions) -> None:
    cart = submitted()
    submissions.open(cart, utcnow())
    for verdict in (Verdict.PLACED, Verdict.REJECTED):
        standing = submissions.settle(cart.order_id, verdict, utcnow())
        assert standing is not None
        assert standing.verdict is Verdict.PLACED
    assert submissions.open(cart, utcnow()).verdict is Verdict.PLACED


def test_why_it_was_rejected_is_kept_with_the_first_verdict(submissions: Submissions) -> None:
    cart = submitted()
    submissions.open(cart, utcnow())
    why = Rejection(order_id=cart.order_id, reasons=(Reason(code="out-of-stock", sku="tea", asked=2, available=0),))
    for rejection in (why, Rejection(order_id=cart.order_id)):
        submissions.settle(cart.order_id, Verdict.REJECTED, utcnow(), rejection)
        found = submissions.find(cart.order_id)
        assert found is not None
        assert found.rejection == why


def test_a_verdict_on_what_was_never_submitted_is_none(submissions: Submissions) -> None:
    assert submissions.settle(new_id(), Verdict.PLACED, utcnow()) is None


def test_what_came_cannot_be_abandoned_and_what_is_abandoned_cannot_come(submissions: Submissions) -> None:
    came, late = submitted(), submitted()
    submissions.open(came, utcnow())
    assert submissions.abandon(came, utcnow()).verdict is Verdict.OPEN
    assert submissions.abandon(late, utcnow()).verdict is Verdict.ABANDONED
    assert submissions.open(late, utcnow()).verdict is Verdict.ABANDONED


def test_an_undecided_submission_is_asked_about_once_in_a_while(submissions: Submissions) -> None:
    cart, decided = submitted(), submitted()
    now = utcnow()
    submissions.open(cart, now)
    submissions.open(decided, now)
    submissions.settle(decided.order_id, Verdict.PLACED, now)
    soon = now + timedelta(microseconds=1)
    asked = 0
    while some := submissions.ask_again(soon, soon):  # other tests' submissions among them, some at a time
        asked += some
    assert asked >= 1
    assert submissions.ask_again(soon, soon) == 0


def ask_all(submissions: Submissions, now: datetime) -> set[str]:
    """Ask about whatever is overdue, other tests' submissions among it, and return which cannot be read."""
    wrong = set[str]()
    while True:
        try:
            if not submissions.ask_again(now, now):
                return wrong
        except Illegible as error:
            wrong |= error.ids


def asked_at(submissions: Submissions, cart: Cart) -> datetime:
    if isinstance(submissions, MemorySubmissions):
        return submissions.asked[cart.order_id]
    with live.database.reading() as session:
        row = session.one("SELECT asked_at FROM submissions WHERE order_id = %(id)s", id=cart.order_id)
    assert row is not None
    at: datetime = row["asked_at"]
    return at


def test_a_submission_that_cannot_be_read_holds_no_other_up(submissions: Submissions) -> None:
    wrong, cart, now = submitted(), submitted(), utcnow()
    for one in (wrong, cart):
        submissions.open(one, now)
    if isinstance(submissions, MemorySubmissions):
        submissions.illegible.add(wrong.order_id)
    else:
        with live.database.reading() as session:
            session.run("UPDATE submissions SET submission = '{}' WHERE order_id = %(id)s", id=wrong.order_id)
    soon = now + timedelta(microseconds=1)
    assert ask_all(submissions, soon) == {wrong.order_id}
    assert asked_at(submissions, cart) == soon
    submissions.settle(cart.order_id, Verdict.PLACED, now)
    with live.database.reading() as session:
        session.run("DELETE FROM submissions WHERE order_id = %(id)s", id=wrong.order_id)


def test_what_stays_undecided_is_asked_about_more_and_more_seldom(submissions: Submissions) -> None:
    cart, now = submitted(), utcnow() - timedelta(days=30)
    submissions.open(cart, now)
    asked: list[timedelta] = []
    for minutes in range(5, 24 * 60, 5):
        moment = now + timedelta(minutes=minutes, microseconds=1)
        ask_all(submissions, moment)
        if asked_at(submissions, cart) == moment:
            asked.append(timedelta(minutes=minutes))
    assert asked == [timedelta(minutes=one) for one in (5, 15, 35, 75, 155, 315, 635, 1000, 1365)]
    submissions.settle(cart.order_id, Verdict.PLACED, now)


def test_only_open_submissions_are_undecided(submissions: Submissions) -> None:
    cart, decided = submitted(), submitted()
    submissions.open(cart, utcnow())
    submissions.open(decided, utcnow())
    submissions.settle(decided.order_id, Verdict.PLACED, utcnow())
    assert submissions.undecided([cart.id, decided.id, new_id()]) == {cart.id}
