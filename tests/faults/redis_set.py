"""A Redis of its own for tests that kill it: a primary, two replicas and three sentinels on free ports."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import redis
from bench.serving import WITH_US
from ports import free_ports

from souk_local import patience
from souk_local.redis import KEPT

PASSWORD = "made-up"
NODE = """
{kept}
bind 127.0.0.1
port {port}
dir {folder}
requirepass {password}
masterauth {password}
repl-diskless-sync-delay 0
maxmemory-policy noeviction
"""
SENTINEL = """
bind 127.0.0.1
port {port}
dir {folder}
sentinel monitor souk 127.0.0.1 {primary} 2
sentinel auth-pass souk {password}
sentinel down-after-milliseconds souk 500
sentinel failover-timeout souk 3000
"""


class RedisSet:
    """Six processes, which are started, killed and asked here."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        ports = free_ports(6)
        self.nodes, self.sentinels = ports[:3], ports[3:]
        self._running: dict[int, subprocess.Popen[bytes]] = {}

    @property
    def url(self) -> str:
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.sentinels)
        return f"redis+sentinel://:{PASSWORD}@{hosts}/souk?replicas=2"

    def start(self) -> None:
        for port in self.nodes:
            self.start_node(port, *(() if port == self.nodes[0] else ("--replicaof", "127.0.0.1", str(self.nodes[0]))))
        until(lambda: self.replicas(self.nodes[0]) == 2)  # a sentinel that starts sooner looks again after ten seconds
        for port in self.sentinels:
            self._start(port, SENTINEL, "--sentinel")
        until(lambda: self.known("REPLICAS") == self.known("SENTINELS") == {2})

    def stop(self) -> None:
        for port in list(self._running):
            self.kill(port)

    def start_node(self, port: int, *options: str) -> None:
        self._start(port, NODE, *options)

    def _start(self, port: int, text: str, *options: str) -> None:
        folder = self._folder / str(port)
        folder.mkdir(exist_ok=True)
        config = folder / "redis.conf"
        if not config.exists():
            config.write_text(
                text.format(port=port, folder=folder, password=PASSWORD, kept=KEPT, primary=self.nodes[0])
            )
        log = (folder / "log").open("ab")
        argv = [*WITH_US, "redis-server", str(config), *options]
        self._running[port] = subprocess.Popen(argv, stdout=log, stderr=log)
        log.close()

    def kill(self, port: int) -> None:
        process = self._running.pop(port)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()

    def pause(self, port: int) -> None:
        """Let a server hang, as a parted network or a stuck machine does."""
        self._running[port].send_signal(signal.SIGSTOP)

    def resume(self, port: int) -> None:
        self._running[port].send_signal(signal.SIGCONT)

    def empty(self, port: int) -> None:
        """Remove the data of a server that was killed."""
        for kept in ("appendonlydir", "dump.rdb"):
            path = self._folder / str(port) / kept
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def hand_over(self) -> int:
        """Let the sentinels make another server the primary, as planned, and return the one that was."""
        before = self.primary()
        self.ask(self.sentinels[0], "SENTINEL", "FAILOVER", "souk")
        until(lambda: self.primary() != before and self.replication(self.primary())["role"] == "master")
        return before

    def primary(self) -> int:
        """Return the port of the primary that most sentinels name."""
        named = [int(self.ask(port, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "souk")[1]) for port in self.sentinels]
        return max(set(named), key=named.count)

    def replicas(self, primary: int | None = None) -> int:
        """Return how many replicas follow the primary."""
        told = self.replication(primary or self.primary())
        return sum(told.get(f"slave{number}", {}).get("state") == "online" for number in range(2))

    def replication(self, port: int) -> dict[str, Any]:
        """Return what a node says of its part."""
        told: dict[str, Any] = self.ask(port, "INFO", "replication", password=PASSWORD)
        return told

    def known(self, whom: str) -> set[int]:
        """Return how many replicas, or other sentinels, each sentinel knows of."""
        return {len(self.ask(port, "SENTINEL", whom, "souk")) for port in self.sentinels}

    def fail_over(self) -> int:
        """Kill the primary, wait for its heir and return the killed one."""
        lost = self.primary()
        self.kill(lost)
        until(lambda: self.primary() != lost and self.replication(self.primary())["role"] == "master")
        return lost

    def ask(self, port: int, *words: str, password: str | None = None) -> Any:
        """Ask one server."""
        with redis.Redis(port=port, password=password, decode_responses=True, socket_timeout=2) as client:
            return client.execute_command(*words)


def until(met: Callable[[], bool], *, within: float = 60.0) -> None:
    """Wait until something is the case; a server that does not answer yet is not it."""

    def answered() -> bool:
        try:
            return met()
        except redis.RedisError:
            return False

    patience.until(answered, within=within)
