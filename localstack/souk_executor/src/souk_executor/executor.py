"""LocalStack's side: turns a function version into a program, and its invocations into the sandbox's."""

import logging
import os
from pathlib import Path
from typing import Any

from localstack.aws.api.lambda_ import PackageType
from localstack.config import GATEWAY_LISTEN, LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT
from localstack.runtime import events
from localstack.services.lambda_.invocation.executor_endpoint import StatusErrorException
from localstack.services.lambda_.invocation.lambda_models import InvocationResult
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

from souk_executor.counts import Counts
from souk_executor.environment import LOGS, RUNTIME, RUNTIME_PYTHON
from souk_executor.pages import Pages
from souk_executor.process import Program
from souk_executor.runtime_api import InitFailed, Invocation, fault
from souk_executor.sandbox import Outcome, Sandbox

LOG = logging.getLogger(__name__)
COUNTS = Counts()
PAGES = Pages(Path(os.environ[LOGS]))
HOST = "127.0.0.1"
LAUNCH = Path(__file__).with_name("launch.py")
# LocalStack tells its container's init these; a function on AWS never sees them.
INTERNAL_VARIABLES = frozenset(
    {
        "LOCALSTACK_RUNTIME_ENDPOINT",
        "LOCALSTACK_RUNTIME_ID",
        "LOCALSTACK_FUNCTION_ACCOUNT_ID",
        "LOCALSTACK_INIT_LOG_LEVEL",
        "LOCALSTACK_POST_INVOKE_WAIT_MS",
        "LOCALSTACK_MAX_PAYLOAD_SIZE",
        "LOCALSTACK_USER",
    }
)


class Unsupported(Exception):
    """What needs Docker, or another interpreter than ours."""


class ProcessExecutor(RuntimeExecutor):  # type: ignore[misc]  # LocalStack ships no types
    """One execution environment of a function version, as LocalStack asks for it."""

    def __init__(self, id: str, function_version: Any) -> None:  # noqa: A002  # LocalStack passes it by name
        super().__init__(id=id, function_version=function_version)
        self._config = function_version.config
        self._function: str = function_version.id.function_name
        self._sandbox: Sandbox | None = None

    @classmethod
    def prepare_version(cls, function_version: Any) -> None:
        """Unpack code and layers. Raises Unsupported, which LocalStack shows as the function's state."""
        settings = function_version.config
        if settings.package_type != PackageType.Zip or settings.runtime != RUNTIME:
            raise Unsupported(f"only zip packages for {RUNTIME} run here, not {settings.runtime or 'images'}")
        if not os.access(_python(), os.X_OK):
            raise Unsupported(f"{RUNTIME_PYTHON} names no interpreter: {_python()!r}")
        settings.code.prepare_for_execution()
        for layer in settings.layers:
            layer.code.prepare_for_execution()

    @classmethod
    def cleanup_version(cls, function_version: Any) -> None:
        """Nothing to do: LocalStack removes the code itself."""

    def start(self, env_vars: dict[str, Any]) -> None:
        """Start the environment. Raises LocalStack's error for functions that cannot be loaded."""
        # One second less than LocalStack's own limit, so that the function's words are heard first.
        limit = LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT - 1
        self._sandbox = Sandbox(_program(self._config, env_vars), init_seconds=limit)
        COUNTS.started(self._function)
        try:
            self._sandbox.start()
        except InitFailed as failure:
            COUNTS.failed(self._function, failure.answer.payload)
            LOG.warning("%s could not be loaded: %s", self._function, failure)
            PAGES.add(self._function, _lines(self._sandbox.take_output()) + _lines(failure.answer.note))
            raise StatusErrorException("the function could not be loaded", payload=failure.answer.payload) from failure

    def stop(self) -> None:
        """Stop the environment; what it is doing may end first, unless LocalStack itself stops."""
        sandbox, self._sandbox = self._sandbox, None
        if sandbox is None:
            return
        COUNTS.stopped(self._function)
        sandbox.stop(patience=0 if events.infra_stopping.is_set() else self._config.timeout)

    def invoke(self, payload: dict[str, str]) -> Any:
        """Answer an invocation, with its page of the log."""
        if self._sandbox is None:
            why = "the environment was stopped"  # an empty object would be taken for an empty answer with status 200
            raise StatusErrorException(why, payload=fault("Runtime.ExitError", why, payload["invoke-id"]).payload)
        invocation = Invocation(
            id=payload["invoke-id"],
            arn=payload["invoked-function-arn"],
            trace=payload["trace-id"],
            payload=payload["payload"].encode(),
            seconds=self._config.timeout,
        )
        outcome = self._sandbox.invoke(invocation)
        page = self._page(invocation, outcome)
        COUNTS.invoked(self._function, outcome)
        PAGES.add(self._function, page)
        return InvocationResult(invocation.id, outcome.answer.payload, is_error=outcome.answer.failed, logs=page)

    def get_logs(self) -> str:
        """Answer what was written outside of invocations."""
        return self._sandbox.take_output() if self._sandbox else ""

    def get_address(self) -> str:
        """Where the function runs, as seen by LocalStack."""
        return HOST

    def get_endpoint_from_executor(self) -> str:
        """Where LocalStack is, as seen by the function."""
        return HOST

    def get_runtime_endpoint(self) -> str:
        """Where LocalStack's own init would report to; ours reports to nobody."""
        return f"http://{HOST}:{GATEWAY_LISTEN[0].port}/_localstack_lambda/{self.id}"

    def _page(self, invocation: Invocation, outcome: Outcome) -> str:
        memory = self._config.memory_size
        return (
            f"{_lines(outcome.init_output)}START RequestId: {invocation.id} Version: {self.function_version.id.qualifier}\n"
            f"{_lines(outcome.output)}{_lines(outcome.answer.note)}END RequestId: {invocation.id}\n"
            f"REPORT RequestId: {invocation.id}\tDuration: {outcome.milliseconds:.2f} ms\t"
            f"Billed Duration: {int(outcome.milliseconds) + 1} ms\tMemory Size: {memory} MB\t"
            f"Max Memory Used: {outcome.peak_memory or memory} MB\t\n"
        )


def _lines(text: str) -> str:
    return f"{text}\n" if text and not text.endswith("\n") else text


def _python() -> str:
    return os.environ.get(RUNTIME_PYTHON, "")


def _program(settings: Any, given: dict[str, Any]) -> Program:
    folder = settings.code.get_unzipped_code_location()
    variables = {name: str(value) for name, value in given.items() if name not in INTERNAL_VARIABLES}
    variables |= {
        "PATH": variables.get("PATH", os.defpath),
        "LANG": "en_US.UTF-8",
        "LAMBDA_TASK_ROOT": str(folder),
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{RUNTIME}",
        "PYTHONPATH": _search_path(folder, settings.layers, variables.get("PYTHONPATH")),
    }
    # -P keeps the folder of launch.py, which is ours, out of the function's sight.
    return Program(command=(_python(), "-P", str(LAUNCH), settings.handler), variables=variables, folder=folder)


def _search_path(folder: Path, layers: list[Any], own: str | None) -> str:
    """Order the folders as AWS has them: the function, then /opt, where a later layer covers an earlier one."""
    roots = [layer.code.get_unzipped_code_location() / "python" for layer in reversed(layers)]
    packages = [root / "lib" / RUNTIME / "site-packages" for root in roots]
    return os.pathsep.join([str(path) for path in (folder, *packages, *roots)] + ([own] if own else []))
