"""Sockets of idle connections."""

import select


def hung_up(descriptor: int) -> bool:
    """Tell whether an idle connection has something to read, which can only be its end."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN | select.POLLHUP | select.POLLERR)
    return bool(poll.poll(0))
