"""What the audit trail keeps of what others tell it."""

from contract.admin.memory import MemoryStaff
from contract.admin.people import NOW

from chalicelib.admin import trail
from souk.audit import Audited
from souk.events import Event
from souk.ids import new_id

FACT = Audited(
    service="product",
    actor="ada",
    action="product.edit",
    subject="tea",
    before={"title": "Tea"},
    after={"title": "Teas"},
    personal=["brand"],
    source_ip="10.0.0.1",
)


def test_everything_that_was_said_of_a_change_is_kept_once_however_often_it_comes() -> None:
    store, said = MemoryStaff(), Event.of(FACT, aggregate=new_id(), version=1, now=NOW)
    for _ in range(2):
        trail.record(said, said.read(Audited), store=store)
    (kept,) = store.entries(actor="ada", subject="tea", limit=9, cursor=None).items
    assert (kept.id, kept.at) == (said.id, NOW)
    assert all(getattr(kept, name) == getattr(FACT, name) for name in FACT.__struct_fields__)
