"""Whatever shoppers, the order service and the caretaker do, and in whatever order: one submission, one verdict."""

from datetime import UTC, datetime, timedelta

from contract.cart.keepers import LIMITS, PRICE, MemoryCarts, MemorySubmissions, Shelf, line, new_cart
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.strategies import integers, sampled_from

from chalicelib.cart import outcomes, overdue, submission
from chalicelib.cart.carts import revise
from chalicelib.cart.lines import Change
from chalicelib.cart.model import Asked, Cart, State, Verdict
from chalicelib.cart.submission import Acceptance
from souk.auth import Signer, new_key
from souk.errors import Refused, SoukError, Stale
from souk.ids import id_of

SIGNER = Signer("cart", new_key())
ACCEPTANCE = Acceptance(quote_id="quote", total=PRICE)


class Lifecycle(RuleBasedStateMachine):
    """One cart, several devices."""

    @initialize()
    def open_cart(self) -> None:
        self.now = datetime(2026, 5, 1, tzinfo=UTC)
        self.carts, self.submissions = MemoryCarts(), MemorySubmissions()
        self.cart = self.carts.create(new_cart(line("tea"))).cart
        self.orders: dict[int, str] = {}  # by the version that was submitted

    def asked(self, seen: int | None = None) -> Asked:
        return Asked(holder=self.cart.holder, seen=seen)

    @rule(quantity=integers(1, 9))
    def change_the_amount(self, quantity: int) -> None:
        before = self.carts.get(self.cart.id)
        try:
            change = Change(sku="tea", quantity=quantity)
            revise(
                before.id,
                change,
                asked=self.asked(),
                limits=LIMITS,
                carts=self.carts,
                shelf=Shelf(),
                now=self.now,
            )
        except Refused:
            assert before.state is not State.OPEN
        else:
            assert before.state is State.OPEN

    @rule()
    def submit_what_is_seen(self) -> None:
        self.submit(self.carts.get(self.cart.id).version)

    @precondition(lambda self: self.orders)
    @rule()
    def submit_the_same_again(self) -> None:
        self.submit(max(self.orders))

    def submit(self, seen: int) -> None:
        try:
            outcome = submission.submit(
                self.cart.id,
                ACCEPTANCE,
                asked=self.asked(seen),
                carts=self.carts,
                submissions=self.submissions,
                signer=SIGNER,
                now=self.now,
            )
        except (Refused, Stale):
            return
        frozen_from = self.carts.get(self.cart.id).frozen_from
        assert frozen_from is not None
        assert self.orders.setdefault(frozen_from, outcome.submitted.order_id) == outcome.submitted.order_id

    @rule()
    def freeze_and_break_off(self) -> None:
        def freeze(cart: Cart) -> Cart:
            return cart.changeable(self.asked()).freezing("quote", PRICE, self.now).stamped(self.now)

        try:
            self.carts.change(self.cart.id, freeze)
        except SoukError:
            assert self.carts.get(self.cart.id).state is not State.OPEN

    @precondition(lambda self: self.submissions.told)
    @rule(verdict=sampled_from([Verdict.PLACED, Verdict.REJECTED]), back=integers(0, 3))
    def hear_a_verdict(self, verdict: Verdict, back: int) -> None:
        told = self.submissions.told
        order_id = told[max(0, len(told) - 1 - back)].order_id
        outcomes.settle(order_id, verdict, submissions=self.submissions, carts=self.carts, now=self.now)

    @rule()
    def look_after_submissions(self) -> None:
        self.now += timedelta(minutes=10)
        overdue.look(frozen=self.carts, carts=self.carts, submissions=self.submissions, now=self.now)

    @invariant()
    def a_closed_cart_has_an_order_and_an_open_one_has_none_pending(self) -> None:
        cart = self.carts.get(self.cart.id)
        last = self.submissions.find(id_of("order", cart.id, cart.attempt))
        if cart.state is State.CLOSED:
            assert last is not None
            assert last.verdict is Verdict.PLACED
        if cart.state is State.OPEN:
            assert last is None or last.verdict in {Verdict.REJECTED, Verdict.ABANDONED}

    @invariant()
    def every_version_submitted_has_an_order_of_its_own(self) -> None:
        assert len(set(self.orders.values())) == len(self.orders)


TestLifecycle = Lifecycle.TestCase
