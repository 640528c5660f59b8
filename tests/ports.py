"""Ports for servers that a test starts itself."""

import random
import socket

# Below the ports that Linux gives to clients (net.ipv4.ip_local_port_range), so none of those takes one before its server does.
RANGE = range(20_000, 32_768)


def free_ports(number: int) -> list[int]:
    """Return so many ports, each another, that nobody listens on."""
    found: list[int] = []
    for port in random.sample(RANGE, len(RANGE)):
        if len(found) == number:
            break
        if is_free(port):
            found.append(port)
    return found


def free_base(number: int) -> int:
    """Return the first of so many ports in a row that nobody listens on."""
    for base in random.sample(RANGE[:-number], len(RANGE) - number):
        if all(map(is_free, range(base, base + number))):
            return base
    raise AssertionError(f"no {number} ports in a row are free")


def is_free(port: int) -> bool:
    """Tell whether a server could listen there."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
