"""The doors of the customer service: registration, sign-in, profile, addresses, and management by staff."""

from datetime import datetime
from typing import Annotated

import msgspec

from chalicelib.customer import customers, live
from chalicelib.customer.model import Address, Customer, Locale, PostalAddress
from souk import health, passwords, records, session_doors, sessions
from souk.accounts import Email, Name, Status
from souk.auth import Jwks
from souk.clock import utcnow
from souk.http import Admits, Answer, Souk, Takes, created
from souk.paging import Page, PageQuery

app = Souk("customer")


class Registration(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who becomes a customer."""

    email: Email
    name: Name
    password: Annotated[str, msgspec.Meta(max_length=256)]
    locale: Locale = "en"


class CustomerView(msgspec.Struct, frozen=True, kw_only=True):
    """A customer."""

    id: str
    email: str
    name: str
    locale: str
    market: str
    status: Status
    created_at: datetime
    version: int


class ProfileEdit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What changes; what is left out stays."""

    name: Name | None = None
    locale: Locale | None = None


class CustomersQuery(PageQuery, frozen=True, kw_only=True):
    """Which customers; `text` begins their address or name."""

    text: Annotated[str, msgspec.Meta(max_length=254)] | None = None
    status: Status | None = None


@app.route("/customers", methods=["POST"], status=201, takes=Takes.KEY)
def register(body: Registration) -> Answer[CustomerView]:
    """Become a customer."""
    secret = passwords.accepted(body.password)
    with live.customers() as store:

        def decide() -> Answer[CustomerView]:
            made = customers.register(body.email, body.name, secret, locale=body.locale, now=utcnow(), store=store)
            return created(_view(made), "/customer/me")

        return app.once(store.attempts, decide)


session_doors.add_doors(
    app, Admits.CUSTOMER, accounts=live.customers, reading=live.reading, failures=live.failures, desk=live.desk
)


@app.route("/.well-known/jwks.json")
def jwks() -> Jwks:
    """Tell the public keys that customers' tokens are signed with."""
    return live.desk().jwks


@app.route("/me", admits=Admits.CUSTOMER)
def read_profile() -> CustomerView:
    """Read one's own profile."""
    with live.reading() as store:
        return _view(customers.read(app.caller.subject, store=store))


@app.route("/me", methods=["PATCH"], admits=Admits.CUSTOMER, takes=Takes.VERSION)
def edit_profile(body: ProfileEdit) -> CustomerView:
    """Change one's own profile."""
    return _edited(app.caller.subject, body)


@app.route("/me/addresses", admits=Admits.CUSTOMER)
def list_addresses() -> Page[Address]:
    """List one's own addresses."""
    with live.reading() as store:
        return Page(store.addresses(app.caller.subject))


@app.route("/me/addresses", methods=["POST"], status=201, admits=Admits.CUSTOMER, takes=Takes.KEY)
def add_address(body: PostalAddress) -> Answer[Address]:
    """Keep another address."""
    with live.customers() as store:

        def decide() -> Answer[Address]:
            made = customers.add_address(app.caller.subject, body, now=utcnow(), store=store)
            return created(made, f"/customer/me/addresses/{made.id}")

        return app.once(store.attempts, decide)


@app.route("/me/addresses/{address_id}", admits=Admits.CUSTOMER)
def read_address(address_id: str) -> Address:
    """Read one of one's own addresses."""
    with live.reading() as store:
        return customers.read_address(app.caller.subject, address_id, store=store)


@app.route("/me/addresses/{address_id}", methods=["PUT"], admits=Admits.CUSTOMER, takes=Takes.VERSION)
def change_address(address_id: str, body: PostalAddress) -> Address:
    """Replace one of one's own addresses."""
    with live.customers() as store:
        who, seen = app.caller.subject, app.if_match
        return customers.change_address(who, address_id, body, seen=seen, now=utcnow(), store=store)


@app.route("/me/addresses/{address_id}", methods=["DELETE"], status=204, admits=Admits.CUSTOMER)
def remove_address(address_id: str) -> None:
    """Remove one of one's own addresses."""
    with live.customers() as store:
        customers.remove_address(app.caller.subject, address_id, store=store)


@app.route("/customers", permission="customers:read")
def list_customers(query: CustomersQuery) -> Page[CustomerView]:
    """List customers, newest first, or search them by the beginning of their address or name."""
    with live.reading() as store:
        found = store.customers(text=query.text, status=query.status, limit=query.limit, cursor=query.cursor)
    return found.map(_view)


@app.route("/customers/{customer_id}", permission="customers:read")
def read_customer(customer_id: str) -> CustomerView:
    """Read a customer."""
    with live.reading() as store:
        return _view(customers.read(customer_id, store=store))


@app.route("/customers/{customer_id}", methods=["PATCH"], permission="customers:write", takes=Takes.VERSION)
def edit_customer(customer_id: str, body: ProfileEdit) -> CustomerView:
    """Change a customer's profile for them."""
    return _edited(customer_id, body)


@app.route("/customers/{customer_id}/suspension", methods=["PUT"], permission="customers:write")
def suspend_customer(customer_id: str) -> CustomerView:
    """Keep a customer from signing in, and end their sessions."""
    with live.customers() as store:
        return _view(customers.suspend(customer_id, by=app.origin, now=utcnow(), store=store))


@app.route("/customers/{customer_id}/suspension", methods=["DELETE"], permission="customers:write")
def reinstate_customer(customer_id: str) -> CustomerView:
    """Let a suspended customer sign in again."""
    with live.customers() as store:
        return _view(customers.reinstate(customer_id, by=app.origin, now=utcnow(), store=store))


@app.every(60)
def sweep_customer() -> None:
    """Remove what is kept for a while only."""
    records.sweep(live.database)
    sessions.sweep(live.database)
    live.failures.sweep(utcnow())


def _edited(customer_id: str, body: ProfileEdit) -> CustomerView:
    with live.customers() as store:
        after = customers.edit(
            customer_id,
            name=body.name,
            locale=body.locale,
            seen=app.if_match,
            by=app.origin,
            now=utcnow(),
            store=store,
        )
    return _view(after)


def _view(customer: Customer) -> CustomerView:
    return msgspec.convert(customer, CustomerView, from_attributes=True)


health.add_doors(app, {"postgres": live.database.ping})
app.refuse_the_rest()
