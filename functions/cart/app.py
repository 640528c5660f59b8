"""The doors of the cart service."""

from collections.abc import Callable
from contextlib import suppress

from msgspec.structs import replace

from chalicelib.cart import carts, idle, live, outcomes, overdue, own, persistence, submission
from chalicelib.cart.carts import Wish
from chalicelib.cart.events import (
    CartChanged,
    OrderPlaced,
    OrderRejected,
    ProductPublished,
    ProductRecovered,
    ProductTrashed,
    ProductUnpublished,
    StockChanged,
)
from chalicelib.cart.lines import Change
from chalicelib.cart.model import Asked, Holder
from chalicelib.cart.refusals import KeptRefusals
from chalicelib.cart.submission import Acceptance, Submitted
from chalicelib.cart.views import CartSummary, CartView, Changed, Opened
from chalicelib.cart.wishes import Amount, NewCart, Revision, Source
from souk import health, records
from souk.auth import Kind, digest
from souk.clock import utcnow
from souk.errors import Fault, Forbidden, Invalid, Missing, Unavailable
from souk.events import Event
from souk.http import Admits, Answer, Souk, Takes
from souk.ids import id_of, is_id, new_id
from souk.paging import Page
from souk.queues import Told
from souk.waiting import ROOM, Full, applied

app = Souk("cart")
SHOPPERS = Admits.CUSTOMER | Admits.GUEST
CHANGES = Takes.VERSION_IF_GIVEN | Takes.KEY
SYNC_WAITS = 5  # seconds that whoever prefers to hear the outcome waits for it, where no other time is named
AGAIN = {"Idempotent-Replayed": "true"}


@app.route("/carts", methods=["POST"], status=201, also=(200,), takes=Takes.KEY)
def open_cart(body: NewCart) -> Answer[Opened]:
    """Open an empty cart: a customer's own, or an anonymous one with a token, which is shown this once.

    Where a customer names it, the cart that is open under that name is answered with 200.
    """
    key = app.attempt
    cart_id = id_of("cart", key.scope, app.client_ip) if key else new_id()
    customer = _customer()
    begun = _opened_by(customer, cart_id, body) if customer else _opened_for_a_guest(cart_id, body)
    headers = {"Location": f"/cart/carts/{begun.answer.id}", **(AGAIN if begun.again else {})}
    return Answer(begun.answer, 200 if begun.found else 201, headers)


def _opened_by(customer: str, cart_id: str, body: NewCart) -> carts.Begun:
    now = utcnow()
    return own.open_cart(
        own.Place(cart_id=cart_id, customer_id=customer, market=body.market, name=body.name, opened_at=now),
        asked=_asked(),
        most=live.most_carts(),
        register=live.register,
        carts=live.carts,
        now=now,
    )


def _opened_for_a_guest(cart_id: str, body: NewCart) -> carts.Begun:
    if body.name is not None:
        raise Invalid("only customers name their carts", faults=[Fault("/name", "needs signing in")])
    token = carts.token_of(cart_id, live.secret())
    asked = _asked(Holder(token_hash=digest(token)))
    return carts.create(cart_id, market=body.market, token=token, asked=asked, carts=live.carts, now=utcnow())


@app.route("/carts", admits=Admits.CUSTOMER)
def list_carts() -> Page[CartSummary]:
    """List the customer's carts that are open or being ordered, the oldest first; there are few, on one page."""
    customer = app.caller.subject
    return Page(own.show(customer, register=live.register, carts=live.carts, backup=live.backup, now=utcnow()))


@app.route("/carts/{cart_id}", admits=SHOPPERS)
def show_cart(cart_id: str) -> CartView:
    """Show a cart with titles, prices and availability as they are now."""
    return carts.display(_id(cart_id), holder=_holder(), carts=live.carts, backup=live.backup, shelf=live.replica)


@app.route("/carts/{cart_id}/lines", methods=["POST"], admits=SHOPPERS, takes=CHANGES)
def add_line(cart_id: str, body: Wish) -> Answer[Changed]:
    """Put a quantity of a SKU into the cart, beside what is there already."""

    def adding(asked: Asked) -> carts.Done:
        return carts.add(
            cart_id,
            body,
            asked=asked,
            limits=live.limits(),
            carts=live.carts,
            shelf=live.replica,
            now=utcnow(),
        )

    return _changed(cart_id, adding)


@app.route("/carts/{cart_id}/lines", methods=["DELETE"], admits=SHOPPERS, takes=CHANGES)
def clear_cart(cart_id: str) -> Answer[Changed]:
    """Take every line out of the cart; what is saved for later stays."""
    return _revised(cart_id, Change())


@app.route("/carts/{cart_id}/lines/{sku}", methods=["PUT"], admits=SHOPPERS, takes=CHANGES)
def change_line(cart_id: str, sku: str, body: Amount) -> Answer[Changed]:
    """Change the quantity of a line."""
    return _revised(cart_id, Change(sku=sku, quantity=body.quantity))


@app.route("/carts/{cart_id}/lines/{sku}", methods=["PATCH"], admits=SHOPPERS, takes=CHANGES)
def revise_line(cart_id: str, sku: str, body: Revision) -> Answer[Changed]:
    """Change a line: its quantity, by how much, its note, whether it is saved for later."""
    return _revised(cart_id, body.change(sku))


@app.route("/carts/{cart_id}/lines/{sku}", methods=["DELETE"], admits=SHOPPERS, takes=CHANGES)
def remove_line(cart_id: str, sku: str) -> Answer[Changed]:
    """Take a line out of the cart."""
    return _revised(cart_id, Change(sku=sku, quantity=0))


@app.route("/carts/{cart_id}/merge", methods=["POST"], admits=SHOPPERS, takes=CHANGES)
def merge_carts(cart_id: str, body: Source) -> Answer[Changed]:
    """Move the lines of another cart into this one, as after signing in; that one is gone then."""
    source = Holder(token_hash=digest(body.source_token)) if body.source_token else _holder()

    def merging(asked: Asked) -> carts.Done:
        return carts.merge(
            _id(cart_id),
            _id(body.source),
            source=source,
            how=body.strategy,
            asked=asked,
            limits=live.limits(),
            carts=live.carts,
            shelf=live.replica,
            now=utcnow(),
        )

    return _once(merging, live.refusals())


@app.route(
    "/carts/{cart_id}/submission",
    methods=["POST"],
    status=202,
    also=(200,),
    admits=SHOPPERS,
    takes=Takes.VERSION | Takes.KEY | Takes.SYNC,
)
def submit_cart(cart_id: str, body: Acceptance) -> Answer[Submitted]:
    """Submit the cart at the version seen (If-Match) for the total of a quote; the order is decided soon after.

    With `Prefer: respond-sync` the answer waits for that: 200 with the outcome, or 202 when the time is up. Where too
    many wait already it is 202 at once, without `Preference-Applied` and with `Retry-After`.
    """
    asked = replace(_asked(), seen=app.if_match)

    def decide() -> Answer[Submitted]:
        outcome = submission.submit(
            _id(cart_id),
            body,
            asked=asked,
            carts=live.carts,
            submissions=live.submissions,
            signer=live.signer(),
            now=utcnow(),
        )
        headers = {"Location": outcome.submitted.location, **(AGAIN if outcome.again else {})}
        submitted = Answer(outcome.submitted, 202, headers)
        return _decided(submitted) if "respond-sync" in app.preferences else submitted

    return app.once(live.refusals(), decide)


def _decided(submitted: Answer[Submitted]) -> Answer[Submitted]:
    """Wait for the outcome of a submission; as it is where the time is up. Raises Refused for one that came too late."""
    preferences = app.preferences

    def look() -> Submitted | None:
        with suppress(Unavailable):  # it stands, whatever can't be asked at the moment
            return submission.decided(submitted.body, live.submissions)
        return None

    try:
        found = ROOM.until(look, seconds=preferences.wait(app.longest_wait) if "wait" in preferences else SYNC_WAITS)
    except Full as full:
        busy = {"Retry-After": str(full.retry_after), "Vary": "Prefer"}
        return replace(submitted, headers={**submitted.headers, **busy})
    if not found:
        return replace(submitted, headers={**submitted.headers, "Vary": "Prefer"})
    return Answer(found, 200, {**submitted.headers, **applied("respond-sync")})


@app.consumer("cart-products", ProductPublished, ProductUnpublished, ProductTrashed, ProductRecovered)
def take_product(event: Event, fact: ProductPublished | ProductUnpublished) -> None:
    """Follow what is sold."""
    live.replica.keep(fact, event.version)


@app.batch_consumer("cart-stock", StockChanged)
def take_stock(told: Told[StockChanged]) -> None:
    """Follow how much of it there is."""
    live.replica.restock([(fact, event.version) for event, fact in told])


@app.consumer("cart-outcomes", OrderPlaced, OrderRejected)
def take_outcome(_: Event, fact: OrderPlaced | OrderRejected) -> None:
    """Close the cart that became an order; give back the one that did not."""
    outcomes.take(fact, submissions=live.submissions, carts=live.carts, now=utcnow())


@app.batch_consumer("cart-persistence", CartChanged)
def keep_carts(told: Told[CartChanged]) -> None:
    """Keep changed carts in PostgreSQL."""
    events = [event for event, _ in told]
    persistence.keep(events, archive=live.backup, limits=live.limits(), carts=live.carts, now=utcnow())


@app.every(1)
def look_after_submissions() -> None:
    """Give back carts that were frozen in vain, and ask for verdicts that are overdue."""
    overdue.look(frozen=live.carts, carts=live.carts, submissions=live.submissions, now=utcnow())


@app.every(10)
def look_after_idle_carts() -> None:
    """Tell of carts that nobody comes back to, and forget those that are kept no longer."""
    idle.look(archive=live.backup, keeping=live.keeping(), now=utcnow())


@app.every(60)
def sweep_cart() -> None:
    """Remove what is kept for a while only."""
    records.sweep(live.database)


def _customer() -> str | None:
    """Return the customer who calls, None for a guest. Raises Forbidden for others: carts are for shoppers."""
    if app.caller.kind in {Kind.STAFF, Kind.ORDER_HOLDER}:
        raise Forbidden("carts are for shoppers")
    return app.caller.subject if app.caller.kind is Kind.CUSTOMER else None


def _holder() -> Holder:
    customer = _customer()
    return Holder(customer_id=customer) if customer else Holder(token_hash=app.caller.subject)


def _asked(holder: Holder | None = None) -> Asked:
    """Say how this request asks for a change: If-Match and Idempotency-Key are both optional."""
    key = app.attempt
    seen = app.if_match if "if-match" in app.request.headers else None
    return Asked(
        holder=holder or _holder(),
        seen=seen,
        key=key.scope if key else None,
        fingerprint=key.fingerprint if key else "",
    )


def _id(text: str) -> str:
    if not is_id(text):
        raise Missing("there is no such cart")
    return text


def _revised(cart_id: str, change: Change) -> Answer[Changed]:
    """Answer a change of lines that are there."""
    return _changed(
        cart_id,
        lambda asked: carts.revise(
            cart_id,
            change,
            asked=asked,
            limits=live.limits(),
            carts=live.carts,
            shelf=live.replica,
            now=utcnow(),
        ),
    )


def _changed(cart_id: str, work: Callable[[Asked], carts.Done]) -> Answer[Changed]:
    """Answer a change of lines, which looks for an earlier refusal of the same request itself."""
    return _once(work, live.refusals(_id(cart_id)))


def _once(work: Callable[[Asked], carts.Done], refusals: KeptRefusals) -> Answer[Changed]:
    """Answer a change; one that comes again under its key as it was answered before."""

    def decide() -> Answer[Changed]:
        done = work(_asked())
        return Answer(done.answer, headers=AGAIN if done.again else {})

    return app.once(refusals, decide)


health.add_doors(app, {"postgres": live.database.ping, "redis": live.redis.ping})
app.refuse_the_rest()
