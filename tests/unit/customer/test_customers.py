"""Registering, one's own profile, and what staff do with customers, with a keeper in memory."""

import pytest
from contract.customer.memory import MemoryCustomers
from contract.customer.people import NOW
from contract.souk.memory import MemoryFailures

from chalicelib.customer import customers
from chalicelib.customer.events import CustomerRegistered
from chalicelib.customer.model import Customer
from souk import passwords, signing_in
from souk.accounts import Status
from souk.audit import Audited, Origin
from souk.auth import Caller, Kind, new_key
from souk.errors import Missing, Refused, Stale, TooMany, Unauthenticated
from souk.ids import new_id
from souk.sessions import Desk, Tokens
from souk.signing_in import SignIn
from souk.throttle import PER_ACCOUNT

ADA, PASSWORD = "Ada@Example.com", "a password of her own"
STAFF = Origin(Caller(kind=Kind.STAFF, subject=new_id(), permissions=frozenset({"customers:write"})), "10.0.0.9")


class Shop:
    """A shop's customers, and those who come to its door."""

    def __init__(self, password_hash: str) -> None:
        self.store, self.failures = MemoryCustomers(), MemoryFailures()
        self.desk = Desk(issuer="customer", audience="customer", key=new_key())
        self._hash = password_hash

    def register(self, email: str = ADA, name: str = "Ada") -> Customer:
        with self.store.transaction() as store:
            return customers.register(email, name, self._hash, locale="en", now=NOW, store=store)

    def sign_in(self, email: str, password: str = PASSWORD) -> Tokens:
        return signing_in.sign_in(
            SignIn(email=email, password=password),
            ip="10.0.0.1",
            device="x",
            now=NOW,
            accounts=self.store.transaction,
            failures=self.failures,
            desk=self.desk,
        )

    def is_signed_in(self, tokens: Tokens) -> bool:
        return signing_in.refresh(tokens.refresh_token, now=NOW, store=self.store, desk=self.desk) is not None

    def edit(self, one: Customer, *, by: Origin, seen: int = 1, name: str | None = "Lovelace") -> Customer:
        with self.store.transaction() as store:
            return customers.edit(one.id, name=name, locale=None, seen=seen, store=store, by=by, now=NOW)

    def suspend(self, one: Customer) -> Customer:
        with self.store.transaction() as store:
            return customers.suspend(one.id, by=STAFF, now=NOW, store=store)

    def reinstate(self, one: Customer) -> Customer:
        with self.store.transaction() as store:
            return customers.reinstate(one.id, by=STAFF, now=NOW, store=store)

    @property
    def said(self) -> list[Audited]:
        return [event.read(Audited) for event in self.store.outbox if event.type == Audited.TYPE]


@pytest.fixture(scope="module")
def password_hash() -> str:
    return passwords.accepted(PASSWORD)


@pytest.fixture
def shop(password_hash: str) -> Shop:
    return Shop(password_hash)


def own(one: Customer) -> Origin:
    return Origin(Caller(kind=Kind.CUSTOMER, subject=one.id))


def test_who_registers_is_found_told_without_a_name_and_signs_in(shop: Shop) -> None:
    ada = shop.register()
    assert customers.read(ada.id, store=shop.store) == ada
    (said,) = shop.store.outbox
    assert (said.type, said.aggregate, said.version) == (CustomerRegistered.TYPE, ada.id, 1)
    assert said.read(CustomerRegistered).customer_id == ada.id
    assert not any(one in bytes(said.data).lower() for one in (b"ada@", b'ada"', b"password"))
    assert shop.sign_in(ADA.lower())


@pytest.mark.parametrize("email", [ADA, ADA.lower(), ADA.upper()])
def test_an_address_registers_once_whatever_its_case_and_nothing_of_the_second_time_stays(
    shop: Shop, email: str
) -> None:
    ada = shop.register()
    with pytest.raises(Refused) as taken:
        shop.register(email, "Eve")
    assert taken.value.kind == "email-taken"
    assert not any(one in str(taken.value) for one in (ada.id, ada.name, ada.email))
    assert len(shop.store.outbox) == 1
    assert shop.store.customers(text=None, status=None, limit=9, cursor=None).items == [ada]


def test_the_address_of_who_is_suspended_stays_theirs(shop: Shop) -> None:
    shop.suspend(shop.register())
    with pytest.raises(Refused) as taken:
        shop.register()
    assert taken.value.kind == "email-taken"


def test_signing_in_tells_nothing_about_who_is_registered(shop: Shop) -> None:
    known, suspended = shop.register(), shop.register("eve@example.com", "Eve")
    shop.suspend(suspended)
    told = []
    for email, password in ((known.email, "another"), ("bob@example.com", PASSWORD), (suspended.email, PASSWORD)):
        answers = []
        for _ in range(PER_ACCOUNT + 1):
            with pytest.raises((Unauthenticated, TooMany)) as refused:
                shop.sign_in(email, password)
            answers.append((type(refused.value), str(refused.value)))
        told.append(answers)
    assert told[0] == told[1] == told[2]
    assert [kind for kind, _ in told[0]] == [*[Unauthenticated] * PER_ACCOUNT, TooMany]


def test_a_suspension_ends_all_sessions_of_a_customer_and_no_others(shop: Shop) -> None:
    ada, eve = shop.register(), shop.register("eve@example.com", "Eve")
    phone, desktop, hers = shop.sign_in(ada.email), shop.sign_in(ada.email), shop.sign_in(eve.email)
    assert shop.suspend(ada).status is Status.SUSPENDED
    assert [shop.is_signed_in(one) for one in (phone, desktop, hers)] == [False, False, True]
    with pytest.raises(Unauthenticated):
        shop.sign_in(ada.email)


def test_who_is_reinstated_signs_in_anew(shop: Shop) -> None:
    ada = shop.register()
    before = shop.sign_in(ada.email)
    shop.suspend(ada)
    assert shop.reinstate(ada).version == 3
    assert not shop.is_signed_in(before)
    assert shop.is_signed_in(shop.sign_in(ada.email))


def test_nobody_is_suspended_or_reinstated_twice(shop: Shop) -> None:
    ada = shop.register()
    with pytest.raises(Refused):
        shop.reinstate(ada)
    shop.suspend(ada)
    with pytest.raises(Refused):
        shop.suspend(ada)
    assert [one.action for one in shop.said] == ["customer.suspend"]


@pytest.mark.parametrize("unknown", [new_id(), "nonsense", ""])
def test_who_is_not_there_is_missing(shop: Shop, unknown: str) -> None:
    nobody = Customer(id=unknown, email=ADA, name="Ada", created_at=NOW)
    with pytest.raises(Missing):
        customers.read(unknown, store=shop.store)
    for change in (shop.suspend, shop.reinstate):
        with pytest.raises(Missing):
            change(nobody)
    with pytest.raises(Missing):
        shop.edit(nobody, by=own(nobody))


def test_a_profile_is_edited_as_it_was_seen_and_what_is_left_out_stays(shop: Shop) -> None:
    ada = shop.register()
    edited = shop.edit(ada, by=own(ada))
    assert (edited.name, edited.locale, edited.email, edited.version) == ("Lovelace", "en", ada.email, 2)
    with pytest.raises(Stale):
        shop.edit(ada, by=own(ada))
    assert shop.edit(ada, by=own(ada), seen=2, name=None).name == "Lovelace"


def test_only_what_staff_changes_leaves_a_trace_and_no_personal_data(shop: Shop) -> None:
    ada = shop.register()
    shop.edit(ada, by=own(ada))
    assert shop.said == []
    shop.edit(ada, by=STAFF, seen=2, name="Countess")
    (said,) = shop.said
    assert (said.action, said.subject, said.actor) == ("customer.edit", ada.id, STAFF.caller.subject)
    assert (said.before, said.after, said.personal) == ({"version": 2}, {"version": 3}, ["name"])
    assert not any(b"Countess" in bytes(event.data) for event in shop.store.outbox)
