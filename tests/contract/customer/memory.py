"""The customer service's keeper in memory: what unit tests use, held to the same contract as the one in PostgreSQL."""

from datetime import datetime

from contract.souk.keeping import MemoryTransactions, newest
from contract.souk.memory import MemorySessions
from msgspec.structs import replace

from chalicelib.customer.model import Address, Customer
from souk.accounts import Status
from souk.events import Event
from souk.paging import Page
from souk.signing_in import NOTHING, Account


class MemoryAddresses:
    """Customers' addresses, by id."""

    def __init__(self) -> None:
        super().__init__()
        self._addresses: dict[str, tuple[str, datetime, Address]] = {}

    def addresses(self, customer_id: str) -> list[Address]:
        mine = [(at, one.id, one) for whose, at, one in self._addresses.values() if whose == customer_id]
        return [one for _, _, one in sorted(mine, key=lambda each: each[:2])]

    def address(self, customer_id: str, address_id: str) -> Address | None:
        whose, _, found = self._addresses.get(address_id, (None, None, None))
        return found if whose == customer_id else None

    def address_for_change(self, customer_id: str, address_id: str) -> Address | None:
        return self.address(customer_id, address_id)

    def save_address(self, customer_id: str, address: Address, now: datetime) -> None:
        whose, made_at, _ = self._addresses.get(address.id, (customer_id, now, address))
        if whose == customer_id:
            self._addresses[address.id] = (customer_id, made_at, address)

    def remove_address(self, customer_id: str, address_id: str) -> bool:
        if self.address(customer_id, address_id) is None:
            return False
        del self._addresses[address_id]
        return True


class MemoryCustomers(MemoryTransactions, MemoryAddresses, MemorySessions):
    """Everything the customer service keeps; see `customers.Customers` and `signing_in.Accounts`."""

    def __init__(self) -> None:
        super().__init__()
        self._customers: dict[str, Customer] = {}
        self._passwords: dict[str, str] = {}

    def account(self, email: str) -> Account | None:
        found = next((one for one in self._customers.values() if one.email.lower() == email.lower()), None)
        if found is None:
            return None
        return Account(subject=found.id, password_hash=self._passwords[found.id], active=found.status is Status.ACTIVE)

    def permissions(self, subject: str, *, held: bool = False) -> frozenset[str] | None:  # noqa: ARG002 - nobody else is here
        found = self.customer(subject)
        return NOTHING if found is not None and found.status is Status.ACTIVE else None

    def customer(self, customer_id: str) -> Customer | None:
        return self._customers.get(customer_id)

    def customer_for_change(self, customer_id: str) -> Customer | None:
        return self.customer(customer_id)

    def customers(self, *, text: str | None, status: Status | None, limit: int, cursor: str | None) -> Page[Customer]:
        begun = (text or "").lower()
        found = [
            one
            for one in self._customers.values()
            if status in {None, one.status}
            and (one.email.lower().startswith(begun) or one.name.lower().startswith(begun))
        ]
        return newest(found, lambda one: one.created_at, limit=limit, cursor=cursor)

    def add_customer(self, customer: Customer, password_hash: str, *events: Event) -> bool:
        if customer.id in self._customers or self.account(customer.email) is not None:
            return False
        self._customers[customer.id], self._passwords[customer.id] = customer, password_hash
        self.add_events(*events)
        return True

    def save_customer(self, customer: Customer, *events: Event) -> None:
        known = self._customers[customer.id]
        self._customers[customer.id] = replace(
            known, name=customer.name, locale=customer.locale, status=customer.status, version=customer.version
        )
        self.add_events(*events)
