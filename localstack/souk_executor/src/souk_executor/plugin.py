"""The entry point by which LocalStack finds the executor (`LAMBDA_RUNTIME_EXECUTOR=souk`)."""

from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin


class ProcessExecutorPlugin(RuntimeExecutorPlugin):  # type: ignore[misc]  # LocalStack ships no types
    """Loads the executor only when a function is first created."""

    name = "souk"

    def load(self, *_: object, **__: object) -> type:
        """Answer the class LocalStack makes one of for each execution environment."""
        from souk_executor.executor import ProcessExecutor

        return ProcessExecutor
