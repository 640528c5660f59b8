"""The functions of the cart service: changes, submissions, the look after overdue ones, and the outcomes' consumer."""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from msgspec.structs import replace

from order_path.carriage import OUTCOME, OUTCOME_AGAIN, SUBMITTED, letter_done, letter_written
from order_path.change import Turn, attempt_of, copy_on, settled, turn, with_attempt
from order_path.scenes import Line, Role, Scene
from order_path.world import At, Cart, Done, Kind, Row, State, Task, Trade, Verdict, Wish

OWN = frozenset({At.OPEN, At.ANSWER, At.ABANDON, At.SETTLE})  # steps that are not part of every change


class Step(NamedTuple):
    """What may happen to one cart's trade next; `own` for what goes on without shoppers and mishaps."""

    what: str
    own: bool
    trade: Trade


def steps(trade: Trade, history: int, scene: Scene, roles: tuple[Role, ...]) -> Iterator[Step]:
    """Return what functions may do."""
    for slot, (role, task) in enumerate(zip(roles, trade.tasks, strict=True)):
        who = name(role)
        if task is None:
            yield from _begun(trade, slot, role, history, scene)
            continue
        result = _turn(trade, task, role, history, scene)
        yield Step(f"{who} {result.what}", True, _with_task(result.trade, slot, result.task))
        if task.at is not At.TRY or task.attempt:
            yield Step(f"{who} ends in the middle", False, _with_task(trade, slot, None))


def name(role: Role) -> str:
    """Say who it is."""
    return f"{role.kind} {role.number + 1}" if role.kind in {Kind.CHANGE, Kind.SUBMIT} else str(role.kind)


def _with_task(trade: Trade, slot: int, task: Task | None) -> Trade:
    return replace(trade, tasks=(*trade.tasks[:slot], task, *trade.tasks[slot + 1 :]))


def _begun(trade: Trade, slot: int, role: Role, history: int, scene: Scene) -> Iterator[Step]:
    """Return the beginnings of a function, on each server that answers."""
    for on in (history,) if trade.old is None else (history, history - 1):
        begun = Task(At.TRY, on)
        where = "" if on == history else " on the former primary"
        match role.kind:
            case Kind.CHANGE if not trade.acknowledged >> (role.number + 1) & 1:
                yield Step(f"{name(role)} is sent{where}", False, _with_task(trade, slot, begun))
            case Kind.SUBMIT:
                sent = _sent(trade, role.number, on, history, scene)
                if sent is not None:
                    yield Step(f"{name(role)} is sent{where}", False, _with_task(sent, slot, begun))
            case Kind.LOOK if _frozen(trade, on, history):
                yield Step(f"{role.kind} begins{where}", True, _with_task(trade, slot, begun))
            case Kind.OUTCOME:
                yield from _heard(trade, slot, begun, scene)
            case _:
                pass


def _sent(trade: Trade, number: int, on: int, history: int, scene: Scene) -> Trade | None:
    """Return the trade after a submission was sent: of the open cart as it is seen, or the same as before."""
    wish, copy = trade.wishes[number], copy_on(trade, on, history)
    if wish.seen:
        return trade
    if copy is None or copy.cart.state is not State.OPEN or copy.cart.attempt >= scene.attempts:
        return None
    return _with_wish(trade, number, replace(wish, seen=copy.cart.version, lines=copy.cart.lines))


def _with_wish(trade: Trade, number: int, wish: Wish) -> Trade:
    return replace(trade, wishes=(*trade.wishes[:number], wish, *trade.wishes[number + 1 :]))


def _frozen(trade: Trade, on: int, history: int) -> bool:
    """Tell whether that server has the cart frozen, or will have it so as soon as somebody reads it."""
    copy = copy_on(trade, on, history)
    if copy is None:
        return False
    return State.FROZEN in {copy.cart.state, copy.cart.state if copy.history == on else trade.row.cart.state}


def _heard(trade: Trade, slot: int, begun: Task, scene: Scene) -> Iterator[Step]:
    """Return the beginnings of hearing an outcome that the bridge delivers."""
    for number, attempt in enumerate(trade.attempts, 1):
        for letter in (OUTCOME, OUTCOME_AGAIN):
            if attempt.letters[letter].queued:
                task = replace(begun, at=At.SETTLE, attempt=number, letter=letter)
                given = trade if scene.has(Line.ACK_AFTER) else letter_done(trade, number, letter)
                yield Step(f"{Kind.OUTCOME} is given that of attempt {number}", True, _with_task(given, slot, task))


def _turn(trade: Trade, task: Task, role: Role, history: int, scene: Scene) -> Turn:
    if task.at in OWN:
        return _own(trade, task, role, scene)
    if role.kind is Kind.LOOK and task.verdict is Verdict.NONE and task.at is At.TRY:
        copy = copy_on(trade, task.on, history)
        if copy is not None and copy.history == task.on:
            return _looked(trade, task, copy.cart)
    result = turn(trade, task, history, partial(_decide, trade, task, role, scene), scene)
    if result.sure:
        return _sure(result, role)
    if result.refused and role.kind is Kind.SUBMIT:
        return result._replace(trade=_looked_again(result.trade, role.number, scene))
    return result


def _own(trade: Trade, task: Task, role: Role, scene: Scene) -> Turn:
    match task.at:
        case At.OPEN:
            return _open(trade, task, role, scene)
        case At.ANSWER:
            return _answer(trade, task, role)
        case At.ABANDON:
            return _abandon(trade, task, scene)
        case _:
            return _settle(trade, task)


def _looked_again(trade: Trade, number: int, scene: Scene) -> Trade:
    """Return the trade after a submission was refused for good: the shopper looks at the cart again, and once clicks."""
    if trade.wishes[number].answered or scene.clicks > 1:
        return trade
    return _with_wish(trade, number, replace(trade.wishes[number], seen=0, lines=0))


def _decide(trade: Trade, task: Task, role: Role, scene: Scene, cart: Cart) -> Cart | None:
    """Return what a function makes of the cart; see `model.Cart`."""
    match role.kind:
        case Kind.CHANGE:
            return _changed(cart, 1 << role.number + 1, scene)
        case Kind.SUBMIT:
            return _submitted(cart, trade.wishes[role.number], role.number, scene)
        case _:
            return settled(cart, task.attempt, task.verdict, scene)


def _changed(cart: Cart, bit: int, scene: Scene) -> Cart | None:
    if cart.lines & bit:
        return cart
    frozen = cart.state is State.FROZEN and scene.has(Line.FREEZE)
    return None if frozen or cart.state is State.CLOSED else replace(cart, lines=cart.lines | bit)


def _submitted(cart: Cart, wish: Wish, number: int, scene: Scene) -> Cart | None:
    before = cart.done[number]
    if before.attempt:
        return cart if before.lines == wish.lines else None
    if cart.state is not State.OPEN and wish.seen in {cart.frozen_from, cart.version}:
        return cart
    if cart.state is not State.OPEN or wish.seen != cart.version or cart.attempt >= scene.attempts:
        return None
    attempt = cart.attempt + 1
    submitted = Done(attempt, cart.lines)
    done = (*cart.done[:number], submitted, *cart.done[number + 1 :]) if scene.keyed else cart.done
    return replace(cart, state=State.FROZEN, attempt=attempt, frozen_from=cart.version, done=done)


def _looked(trade: Trade, task: Task, cart: Cart) -> Turn:
    if cart.state is not State.FROZEN:
        return Turn(trade, None, "finds the cart not frozen")
    after = replace(task, at=At.ABANDON, found=cart, attempt=cart.attempt)
    return Turn(trade, after, f"finds the cart frozen for attempt {cart.attempt}")


def _sure(result: Turn, role: Role) -> Turn:
    """Go on with what can't be lost any more."""
    trade, task = result.trade, result.task
    if task is None:
        return result
    match role.kind:
        case Kind.CHANGE:
            acknowledged = trade.acknowledged | 1 << role.number + 1
            return Turn(replace(trade, acknowledged=acknowledged), None, f"{result.what}; acknowledged")
        case Kind.SUBMIT:
            attempt = task.cart.done[role.number].attempt or task.cart.attempt
            return Turn(trade, replace(task, at=At.OPEN, attempt=attempt), result.what)
        case Kind.OUTCOME:
            return Turn(letter_done(trade, task.attempt, task.letter), None, f"{result.what}; it is done")
        case Kind.LOOK:
            return Turn(trade, None, f"{result.what}; it is done")


def _open(trade: Trade, task: Task, role: Role, scene: Scene) -> Turn:
    """Commit the submission, its event and the frozen cart in one transaction, or find what stands instead."""
    cart = task.cart
    standing = attempt_of(trade, task.attempt)
    if cart.state is not State.FROZEN or cart.attempt != task.attempt:
        return _stands(trade, task, role, task.attempt, scene)
    if standing.verdict is not Verdict.NONE:
        return _stands(trade, task, role, task.attempt, scene)
    for number, one in enumerate(trade.attempts, 1):
        if one.verdict is Verdict.OPEN:
            return _stands(trade, task, role, number, scene)
    opened = replace(standing, verdict=Verdict.OPEN, lines=cart.lines)
    after = letter_written(with_attempt(trade, task.attempt, opened), task.attempt, SUBMITTED)
    if cart.version > after.row.cart.version:
        after = replace(after, row=Row(cart, after.row.history))
    return Turn(after, replace(task, at=At.ANSWER, found=None), f"commits the submission of attempt {task.attempt}")


def _stands(trade: Trade, task: Task, role: Role, number: int, scene: Scene) -> Turn:
    verdict = attempt_of(trade, number).verdict
    if verdict in {Verdict.NONE, Verdict.ABANDONED}:
        return Turn(_looked_again(trade, role.number, scene), None, "is told that it came too late")
    return Turn(trade, replace(task, at=At.ANSWER, found=None, attempt=number), f"finds attempt {number} committed")


def _answer(trade: Trade, task: Task, role: Role) -> Turn:
    wish = trade.wishes[role.number]
    contradicted = wish.answered not in {0, task.attempt}
    answered = replace(wish, answered=task.attempt, contradicted=contradicted)
    return Turn(_with_wish(trade, role.number, answered), None, f"is acknowledged as attempt {task.attempt}")


def _abandon(trade: Trade, task: Task, scene: Scene) -> Turn:
    standing = attempt_of(trade, task.attempt)
    verdict, after = standing.verdict, trade
    if verdict is Verdict.NONE:
        verdict = Verdict.ABANDONED
        if scene.has(Line.ABANDONED):
            row = replace(standing, verdict=verdict, lines=task.cart.lines)
            after = with_attempt(trade, task.attempt, row)
    if verdict is Verdict.OPEN:
        return Turn(after, None, f"finds attempt {task.attempt} committed")
    return Turn(after, replace(task, at=At.TRY, found=None, verdict=verdict), f"gives attempt {task.attempt} up")


def _settle(trade: Trade, task: Task) -> Turn:
    """Note the verdict: the first one stands."""
    standing = attempt_of(trade, task.attempt)
    verdict = standing.decision if standing.verdict is Verdict.OPEN else standing.verdict
    after = with_attempt(trade, task.attempt, replace(standing, verdict=verdict))
    return Turn(after, replace(task, at=At.TRY, verdict=verdict), f"notes that it is {verdict.name.lower()}")
