"""What a consumer is given: new messages and due ones in turn, none of them holding up the others."""

from souk_cli.bridge.deliveries import RATIO, Delivery, Inbox


class Channel:
    is_open = True


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def delivery(number: int, channel: Channel | None = None) -> Delivery:
    return Delivery(message_id=f"m{number}", body=b"{}", channel=channel or Channel(), tag=number, delivered=0)


def test_messages_come_in_their_order_and_at_most_so_many() -> None:
    inbox = Inbox()
    for number in range(12):
        inbox.put(delivery(number))
    assert [one.tag for one in inbox.take(wait=0)] == list(range(10))
    assert [one.tag for one in inbox.take(wait=0)] == [10, 11]


def test_what_is_tried_again_waits_for_its_time() -> None:
    clock = Clock()
    inbox = Inbox(clock)
    inbox.put(delivery(1))
    [one] = inbox.take(wait=0)
    inbox.again(one, after=5.0)
    assert inbox.take(wait=0) == []
    clock.now += 5.0
    assert inbox.take(wait=0) == [one]


def test_what_waits_does_not_hold_up_what_is_new() -> None:
    clock = Clock()
    inbox = Inbox(clock)
    for number in range(10):
        inbox.put(delivery(number))
    for one in inbox.take(wait=0):
        inbox.again(one, after=60.0)
    inbox.put(delivery(99))
    assert [one.tag for one in inbox.take(wait=0)] == [99]


def test_new_and_due_ones_take_turns_and_are_never_in_one_batch() -> None:
    clock = Clock()
    inbox = Inbox(clock)
    inbox.put(delivery(1))
    inbox.again(inbox.take(wait=0)[0], after=0.0)
    inbox.put(delivery(2))
    inbox.put(delivery(3))
    taken = [{one.tag for one in inbox.take(wait=0, limit=1)} for _ in range(3)]
    assert taken[0] == {1}
    assert taken[1:] == [{2}, {3}]


def test_what_came_over_a_lost_connection_is_dropped_as_it_comes_again() -> None:
    inbox, channel = Inbox(), Channel()
    inbox.put(delivery(1, channel))
    inbox.put(delivery(2))
    channel.is_open = False
    assert [one.tag for one in inbox.take(wait=0)] == [2]


def test_all_that_is_not_answered_for_is_counted() -> None:
    inbox = Inbox()
    for number in range(3):
        inbox.put(delivery(number))
    taken = inbox.take(wait=0, limit=2)
    assert inbox.unacked == 3
    inbox.settled(1)
    inbox.again(taken[1], after=9.0)
    assert (inbox.unacked, inbox.waiting) == (2, 1)


def test_a_closed_inbox_lets_nobody_wait() -> None:
    inbox = Inbox()
    inbox.close()
    assert inbox.take(wait=3600) == []


def test_the_same_event_twice_in_a_batch_has_two_names() -> None:
    one = Delivery(message_id="e", body=b"", channel=Channel(), tag=1, delivered=0)
    two = Delivery(message_id="e", body=b"", channel=Channel(), tag=2, delivered=0)
    assert one.record_id != two.record_id


def test_messages_are_gathered_for_as_long_as_the_last_batch_took_and_more() -> None:
    clock = Clock()
    inbox = Inbox(clock, gather=1.0)
    inbox.put(delivery(1))
    assert [one.tag for one in inbox.take(wait=0)] == [1], "the first one does not wait"
    inbox.put(delivery(2))
    clock.now += 0.1
    assert inbox.take(wait=0) == []
    inbox.put(delivery(3))
    clock.now += RATIO * 0.1
    assert [one.tag for one in inbox.take(wait=0)] == [2, 3]


def test_who_has_little_to_do_gathers_nothing() -> None:
    clock = Clock()
    inbox = Inbox(clock, gather=1.0)
    for number in range(3):
        inbox.put(delivery(number))
        assert len(inbox.take(wait=0)) == 1
        assert inbox.take(wait=0) == []
        clock.now += 0.1


def test_a_full_batch_waits_for_nothing_and_nothing_waits_at_the_end() -> None:
    clock = Clock()
    inbox = Inbox(clock, gather=60.0)
    for number in range(12):
        inbox.put(delivery(number))
    assert len(inbox.take(wait=0)) == 10
    clock.now += 1.0
    assert inbox.take(wait=0) == []
    inbox.close()
    assert len(inbox.take(wait=0)) == 2
