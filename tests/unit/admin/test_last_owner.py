"""Whatever staff do to one another, somebody stays who may do everything."""

from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chalicelib.admin.model import OWNER, PERMISSIONS, StaffMember
from souk.errors import SoukError

from .conftest import Office

some = st.frozensets(st.sampled_from(sorted(PERMISSIONS)), min_size=len(PERMISSIONS) - 2)
number = st.integers(0, 3)


class Staff(RuleBasedStateMachine):
    """Members do to one another what comes to their mind; most of it is refused."""

    @initialize()
    def open(self) -> None:
        self.office = Office()
        deputy = self.office.role(*sorted(PERMISSIONS))
        desk = self.office.role("staff:write", "roles:write")
        self.roles = [OWNER, deputy, desk]
        self.people = [self.office.hire(role) for role in (OWNER, OWNER, deputy, desk)]

    def member(self, who: int) -> StaffMember:
        return self.office.now(self.people[who])

    @rule(who=number, by=number)
    def suspend(self, who: int, by: int) -> None:
        self._try(lambda: self.office.suspend(self.member(who), self.office.origin(self.member(by))))

    @rule(who=number, by=number)
    def reinstate(self, who: int, by: int) -> None:
        self._try(lambda: self.office.reinstate(self.member(who), self.office.origin(self.member(by))))

    @rule(who=number, by=number, roles=st.sets(st.integers(0, 2), min_size=1))
    def assign(self, who: int, by: int, roles: set[int]) -> None:
        names = [self.roles[one] for one in roles]
        self._try(lambda: self.office.assign(self.member(who), *names, by=self.office.origin(self.member(by))))

    @rule(role=st.integers(0, 2), by=number, permissions=some)
    def grant(self, role: int, by: int, permissions: frozenset[str]) -> None:
        self._try(lambda: self.office.grant(self.roles[role], *permissions, by=self.office.origin(self.member(by))))

    def _try(self, change: Callable[[], object]) -> None:
        try:
            change()
        except SoukError:
            return

    @invariant()
    def an_owner_is_left(self) -> None:
        assert any(OWNER in one.roles for one in self.office.active)


TestStaff = Staff.TestCase
TestStaff.settings = settings(max_examples=150, stateful_step_count=30)
