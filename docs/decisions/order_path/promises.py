"""What must hold in every state, and what a state is like that has come to rest."""

from collections.abc import Iterator

from order_path.change import attempt_of, mended
from order_path.scenes import Scene
from order_path.world import Attempt, Cart, Hold, Letter, State, Trade, Verdict, Wish, World


def broken(world: World, scene: Scene) -> str | None:
    """Return the promise that a state breaks, if it breaks one."""
    if sum(attempt.units for trade in world.trades for attempt in trade.attempts) > scene.stock:
        return "more is sold than there is"
    return next((said for trade in world.trades for said in _broken(trade, world, scene)), None)


def standing(trade: Trade, world: World, scene: Scene) -> Cart:
    """Return the cart as the next request will find it: compared with PostgreSQL if it was not since the failover."""
    if trade.primary.history == world.history:
        return trade.primary.cart
    return mended(max(trade.primary.cart, trade.row.cart, key=lambda cart: cart.version), trade, scene)


def _broken(trade: Trade, world: World, scene: Scene) -> Iterator[str]:
    cart = standing(trade, world, scene)
    if trade.acknowledged & ~cart.lines:
        yield "an acknowledged change is lost"
    for number, attempt in enumerate(trade.attempts, 1):
        yield from _broken_by(attempt, number, cart)
    for wish in trade.wishes:
        yield from _broken_to(wish, trade)


def _broken_by(attempt: Attempt, number: int, cart: Cart) -> Iterator[str]:
    if attempt.decisions > 1:
        yield "a submission is decided twice"
    if attempt.verdict in {Verdict.OPEN, Verdict.PLACED} and attempt.decision is not Verdict.REJECTED:
        if cart.attempt != number or cart.state is State.OPEN:
            yield "a cart takes changes while its order is being decided or placed"
        elif cart.lines != attempt.lines:
            yield "an order has other lines than its cart"
    if cart.state is State.CLOSED and cart.attempt == number and attempt.decision is not Verdict.PLACED:
        yield "a cart is closed without an order"
    if attempt.decisions and attempt.verdict not in {Verdict.OPEN, attempt.decision}:
        yield "the verdict on a submission is not what was decided"


def _broken_to(wish: Wish, trade: Trade) -> Iterator[str]:
    if wish.contradicted:
        yield "the same submission is answered with two orders"
    if wish.answered:
        attempt = attempt_of(trade, wish.answered)
        if attempt.verdict in {Verdict.NONE, Verdict.ABANDONED}:
            yield "an acknowledged submission is lost"
        if attempt.lines != wish.lines:
            yield "an order has other lines than the shopper saw"


def settled(world: World, scene: Scene) -> bool:
    """Tell whether nothing is left to be done: no function at work, no cart frozen, nothing undecided or on its way."""
    return all(_settled(trade, standing(trade, world, scene), scene) for trade in world.trades)


def _settled(trade: Trade, cart: Cart, scene: Scene) -> bool:
    if any(trade.tasks) or trade.told or cart.state is State.FROZEN:
        return False
    return all(
        attempt.verdict is not Verdict.OPEN
        and set(attempt.letters) == {Letter()}
        and not (scene.money and attempt.hold is Hold.HELD)
        for attempt in trade.attempts
    )
