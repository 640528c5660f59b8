"""What we change in LocalStack, each where it starts: plugins call these by their names in pyproject.toml."""

import concurrent.futures
import functools
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

from localstack.config import GATEWAY_LISTEN
from localstack.runtime import hooks

from souk_executor.environment import BATCHES, ENVIRONMENTS

PREPARE_SECONDS = 20.0
LOG_EVENTS = 1000
PLACE_SECONDS = 29.0  # API Gateway answers for a function that takes longer


@hooks.on_runtime_create()  # type: ignore[untyped-decorator]  # LocalStack ships no types
def bind_gateway_to_its_host() -> None:
    """Listen where GATEWAY_LISTEN says: LocalStack binds every IPv4 address of the machine instead."""
    from localstack.runtime.server import twisted as server
    from twisted.internet import endpoints

    hosts = {listen.port: listen.host for listen in GATEWAY_LISTEN}

    def tcp4(reactor: Any, port: int) -> Any:
        return endpoints.TCP4ServerEndpoint(reactor, port, interface=hosts[port])

    server.endpoints = SimpleNamespace(TCP4ServerEndpoint=tcp4, TCP6ServerEndpoint=endpoints.TCP6ServerEndpoint)


@hooks.on_infra_start()  # type: ignore[untyped-decorator]  # LocalStack ships no types
def forget_unpacked_code() -> None:
    """Remove the code that an earlier LocalStack unpacked: functions live in its memory, and it is gone."""
    shutil.rmtree(Path(tempfile.gettempdir(), "lambda"), ignore_errors=True)


@hooks.on_infra_start()  # type: ignore[untyped-decorator]  # LocalStack ships no types
def keep_objects_at_home() -> None:
    """Keep what lies in S3, and code on its way to a function, below TMPDIR: else every stack of a machine shares a place.

    There one user's stack can't write what another's made, and who empties a bucket empties it for all.
    """
    from localstack.services.s3 import provider

    provider.DEFAULT_S3_TMP_DIR = str(Path(tempfile.gettempdir(), "s3"))


@hooks.on_infra_start()  # type: ignore[untyped-decorator]  # LocalStack ships no types
def wait_for_versions() -> None:
    """Answer a creation or update when the function is ready: it takes milliseconds, a client's next look seconds."""
    from localstack.services.lambda_.invocation.lambda_service import LambdaService

    for name in ("create_function_version", "update_version"):
        setattr(LambdaService, name, _finished(getattr(LambdaService, name)))


@hooks.on_infra_start()  # type: ignore[untyped-decorator]  # LocalStack ships no types
def bound_environments() -> None:
    """Let invocations wait for one of a function's processes instead of starting ever more of them.

    Functions with reserved concurrency are bounded by it, and refuse what is beyond as on AWS.
    """
    from localstack.aws.api.lambda_ import TooManyRequestsException
    from localstack.services.lambda_.invocation.version_manager import LambdaVersionManager

    real = LambdaVersionManager.invoke

    @functools.wraps(real)
    def invoke(manager: Any, *, invocation: Any) -> Any:
        if manager.function and manager.function.reserved_concurrent_executions is not None:
            return real(manager, invocation=invocation)
        places = vars(manager).setdefault("souk_places", threading.Semaphore(int(os.environ[ENVIRONMENTS])))
        if not places.acquire(timeout=PLACE_SECONDS):
            raise TooManyRequestsException("Rate Exceeded.", Reason="ConcurrentInvocationLimitExceeded", Type="User")
        try:
            return real(manager, invocation=invocation)
        finally:
            places.release()

    LambdaVersionManager.invoke = invoke
    _let_environments_be_listed()


@hooks.on_infra_start()  # type: ignore[untyped-decorator]  # LocalStack ships no types
def handle_batches_at_once() -> None:
    """Let a queue's event source mapping handle several batches at once, as AWS does."""
    from localstack.services.lambda_.event_source_mapping.pollers.sqs_poller import SqsPoller

    from souk_executor.queues import polling

    SqsPoller.poll_events, SqsPoller.close = polling(SqsPoller.poll_events, at_once=int(os.environ[BATCHES]))


@hooks.on_infra_start()  # type: ignore[untyped-decorator]  # LocalStack ships no types
def keep_one_job_per_rule() -> None:
    """Let a schedule that is deployed again replace itself: LocalStack runs it once more per deployment."""
    from localstack.services.events.rule import RuleService
    from localstack.services.events.scheduler import JobScheduler

    real = RuleService.create_schedule_job
    jobs: dict[str, str] = {}

    @functools.wraps(real)
    def create_schedule_job(service: Any, send: Any) -> None:
        JobScheduler.instance().cancel_job(jobs.get(service.arn))
        real(service, send)
        jobs[service.arn] = service.job_id

    RuleService.create_schedule_job = create_schedule_job


@hooks.on_infra_start()  # type: ignore[untyped-decorator]  # LocalStack ships no types
def show_counts() -> None:
    """Answer `GET /_souk/functions` with the numbers of each function."""
    from localstack.services.edge import ROUTER

    from souk_executor.executor import COUNTS

    def functions(_request: Any) -> dict[str, dict[str, object]]:
        return COUNTS.shown()

    ROUTER.add("/_souk/functions", functions, methods=["GET"])


@hooks.on_infra_start()  # type: ignore[untyped-decorator]  # LocalStack ships no types
def report_no_metrics() -> None:
    """Start no thread per invocation to report to cloudwatch, which does not run: LocalStack keeps each for ever."""
    from localstack.services.lambda_.invocation import version_manager

    real = version_manager.start_thread

    @functools.wraps(real)
    def start_thread(method: Any, *, name: str = "", **kwargs: Any) -> Any:
        return None if name.startswith("record-cloudwatch-metric") else real(method, name=name, **kwargs)

    version_manager.start_thread = start_thread


@hooks.on_infra_ready()  # type: ignore[untyped-decorator]  # LocalStack ships no types
def keep_logs_short() -> None:
    """Keep the end of each log stream only: they are in memory, and nobody ever removes them."""
    from moto.logs.models import LogStream

    def shorten(stream: Any) -> None:
        stream.events = _Recent()

    _after_init(LogStream, shorten)


@hooks.on_infra_start()  # type: ignore[untyped-decorator]  # LocalStack ships no types
def leave_at_once() -> None:
    """End without ceremony: nothing is kept on disk, functions end with us, and an orderly shutdown takes seconds."""
    from localstack.runtime.runtime import LocalstackRuntime

    def shutdown(runtime: Any) -> None:
        os._exit(runtime.exit_code)

    LocalstackRuntime.shutdown = shutdown


class _Recent(list[Any]):
    """A list that forgets its oldest; one may read it meanwhile."""

    def __iadd__(self, more: Iterable[Any]) -> Self:  # type: ignore[misc]  # list's own takes lists alone
        self.extend(more)
        del self[:-LOG_EVENTS]
        return self


def _finished(submit: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(submit)
    def submit_and_wait(*args: Any, **kwargs: Any) -> Any:
        future = submit(*args, **kwargs)
        concurrent.futures.wait([future], timeout=PREPARE_SECONDS)
        return future

    return submit_and_wait


def _let_environments_be_listed() -> None:
    """Hand out copies of the lists of environments: LocalStack walks through them while other threads add to them."""
    from collections import defaultdict

    from localstack.services.lambda_.invocation.assignment import AssignmentService

    class Environments(dict[str, Any]):
        def values(self) -> list[Any]:  # type: ignore[override]  # a copy is the point
            return list(super().values())

    def list_copies(service: Any) -> None:
        service.environments = defaultdict(Environments)

    _after_init(AssignmentService, list_copies)


def _after_init(kind: Any, then: Callable[[Any], None]) -> None:
    real = kind.__init__

    @functools.wraps(real)
    def init(one: Any, *args: Any, **kwargs: Any) -> None:
        real(one, *args, **kwargs)
        then(one)

    kind.__init__ = init
