"""One change of one cart, as `live_cart` makes it: Redis, compared with PostgreSQL after a failover, then made sure."""

from collections.abc import Callable
from typing import NamedTuple

from msgspec.structs import replace

from order_path.scenes import AFTER, Line, Scene
from order_path.world import NOBODYS, At, Attempt, Cart, Copy, Row, State, Task, Trade, Verdict

Decide = Callable[[Cart], Cart | None]  # the same cart: nothing is to be done; None: refused


class Turn(NamedTuple):
    """What became of a cart's trade and of the function that was at work; None when it has ended."""

    trade: Trade
    task: Task | None
    what: str
    sure: bool = False  # the change, or what was there already, can't be lost any more
    refused: bool = False  # by the rule


def copy_on(trade: Trade, on: int, history: int) -> Copy | None:
    """Return the copy on the server of history `on`, None where that server is gone; `history` is the primary's."""
    if on == history:
        return trade.primary
    return trade.old if on == history - 1 else None


def with_copy(trade: Trade, copy: Copy, on: int, history: int) -> Trade:
    """Return the trade with another copy on that server."""
    return replace(trade, primary=copy) if on == history else replace(trade, old=copy)


def attempt_of(trade: Trade, number: int) -> Attempt:
    """Return what is known of an attempt; they count from one."""
    return trade.attempts[number - 1]


def with_attempt(trade: Trade, number: int, attempt: Attempt) -> Trade:
    """Return the trade with another state of an attempt."""
    before, after = trade.attempts[: number - 1], trade.attempts[number:]
    return replace(trade, attempts=(*before, attempt, *after))


def settled(cart: Cart, attempt: int, verdict: Verdict, scene: Scene) -> Cart:
    """Close or thaw, only if it is frozen for just that order."""
    if cart.state is not State.FROZEN or verdict not in AFTER:
        return cart
    if cart.attempt != attempt and scene.has(Line.ORDER_ID):
        return cart
    return replace(cart, state=AFTER[verdict])


def mended(cart: Cart, trade: Trade, scene: Scene) -> Cart:
    """Return the cart as its last submission would have it."""
    last = max((number for number, one in enumerate(trade.attempts, 1) if one.verdict is not Verdict.NONE), default=0)
    if last == 0:
        return cart
    if cart.state is State.OPEN and cart.attempt < last:
        return replace(cart, attempt=last)
    return settled(cart, last, attempt_of(trade, last).verdict, scene)


def turn(trade: Trade, task: Task, history: int, decide: Decide, scene: Scene) -> Turn:
    """Take the next step of a change."""
    if task.at in _WITHOUT_REDIS:
        return _WITHOUT_REDIS[task.at](trade, task, scene)
    if task.at is At.WAIT:
        return _wait(trade, task, history, scene)
    copy = copy_on(trade, task.on, history)
    if copy is None:
        return Turn(trade, None, "finds its server gone")
    if task.at is not At.TRY:
        return (_install if task.at is At.INSTALL else _rewrite)(trade, task, copy, history)
    if copy.history != task.on:
        return _compare(trade, task, copy, scene)
    return _try(trade, task, copy, history, decide, safe=not scene.failovers)


def _compare(trade: Trade, task: Task, copy: Copy, scene: Scene) -> Turn:
    if trade.row.history > task.on and scene.has(Line.HEIR):
        return Turn(trade, None, "finds that another server has the carts by now: 503")
    newest = max(copy.cart, trade.row.cart, key=lambda cart: cart.version)
    after = replace(trade, row=Row(newest, task.on))
    return Turn(after, replace(task, at=At.INSTALL, found=newest), f"compares the cart with its row: v{newest.version}")


def _try(trade: Trade, task: Task, copy: Copy, history: int, decide: Decide, *, safe: bool) -> Turn:
    """Write what the rule makes of the cart; `safe` where no server is ever lost, so that nothing needs waiting for."""
    wanted = decide(copy.cart)
    if wanted is None:
        return Turn(trade, None, f"is refused: the cart is {told(copy.cart)}", refused=True)
    if wanted is copy.cart:
        return Turn(trade, replace(task, at=At.WAIT, found=wanted), "finds that there is nothing to change", sure=safe)
    written = replace(wanted, version=trade.next_version())
    after = with_copy(trade, Copy(written, task.on, dirty=True), task.on, history)
    return Turn(after, replace(task, at=At.WAIT, found=written), f"writes {told(written)} to Redis", sure=safe)


def _install(trade: Trade, task: Task, copy: Copy, history: int) -> Turn:
    newer = task.cart.version > copy.cart.version
    installed = replace(copy, cart=task.cart, history=task.on) if newer else replace(copy, history=task.on)
    after = with_copy(trade, installed, task.on, history)
    return Turn(after, replace(task, at=At.MEND, found=installed.cart), f"has {told(installed.cart)} in Redis")


def _mend(trade: Trade, task: Task, scene: Scene) -> Turn:
    cart = mended(task.cart, trade, scene)
    if cart is task.found:
        return Turn(trade, replace(task, at=At.TRY, found=None), "finds nothing to mend")
    return Turn(trade, replace(task, at=At.REWRITE, found=cart), f"would mend it: {told(cart)}")


def _rewrite(trade: Trade, task: Task, copy: Copy, history: int) -> Turn:
    again = replace(task, at=At.TRY, found=None)
    if (copy.cart.version, copy.history) != (task.cart.version, task.on):
        return Turn(trade, again, "finds that another change came first")
    written = replace(task.cart, version=trade.next_version())
    after = with_copy(trade, Copy(written, task.on, dirty=True), task.on, history)
    return Turn(after, again, f"writes {told(written)} to Redis")


def _wait(trade: Trade, task: Task, history: int, scene: Scene) -> Turn:
    confirmed = task.on == history and trade.replica.cart.version >= task.cart.version
    if confirmed or not scene.has(Line.WAIT):
        return Turn(trade, task, "is confirmed by the replica" if confirmed else "does not wait", sure=True)
    return Turn(trade, replace(task, at=At.KEEP), "waits for the replica in vain")


def _keep(trade: Trade, task: Task, scene: Scene) -> Turn:
    row, cart = trade.row, task.cart
    ours = row.history in {NOBODYS, task.on} or not scene.has(Line.HISTORY)
    if cart.version > row.cart.version and ours:
        return Turn(replace(trade, row=Row(cart, row.history)), task, "writes it to PostgreSQL instead", sure=True)
    if cart.version == row.cart.version:
        return Turn(trade, task, "finds it in PostgreSQL", sure=True)
    return Turn(trade, None, "can't keep it in PostgreSQL: 503")


def told(cart: Cart) -> str:
    """Say what a cart is."""
    lines = ",".join(str(bit) for bit in range(8) if cart.lines >> bit & 1)
    return f"v{cart.version} {cart.state.name.lower()} attempt {cart.attempt} lines {{{lines}}}"


_WITHOUT_REDIS = {At.MEND: _mend, At.KEEP: _keep}
