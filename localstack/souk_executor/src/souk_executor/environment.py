"""How LocalStack is started: the variables and the command line, and why each is what it is."""

import os
from pathlib import Path

RUNTIME = "python3.11"
RUNTIME_PYTHON = "SOUK_LAMBDA_PYTHON"
ENVIRONMENTS = "SOUK_LAMBDA_ENVIRONMENTS"
BATCHES = "SOUK_LAMBDA_BATCHES"
LOGS = "SOUK_LAMBDA_LOGS"

# Souk's stack and its deployments use these. No cloudwatch: with it LocalStack reports metrics for each invocation.
SERVICES = (
    "apigateway", "cloudformation", "events", "iam", "kms", "lambda", "logs", "s3", "secretsmanager", "ses", "sns",
    "sqs", "ssm", "sts",
)  # fmt: skip


def command(python: Path) -> list[str]:
    """Answer the command line; `python` is the interpreter of LocalStack's own virtual environment."""
    return [str(python), "-m", "localstack.runtime.main"]


def environment(*, port: int, home: Path, runtime_python: Path) -> dict[str, str]:
    """Answer all variables LocalStack needs; nothing need be inherited.

    Everything it writes goes below `home`, which is made: Python ignores a TMPDIR that does not exist.
    `runtime_python` is the interpreter that functions run under. What they log is in `home`/functions/<name>.log.
    """
    folders = {
        "FILESYSTEM_ROOT": home / "root",
        "TMPDIR": home / "tmp",
        "XDG_CACHE_HOME": home / "cache",
        LOGS: home / "functions",
    }
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        **{name: str(folder) for name, folder in folders.items()},
        **_network(port),
        **_quiet(),
        **_memory(),
        **_functions(runtime_python),
    }


def _network(port: int) -> dict[str, str]:
    return {
        "GATEWAY_LISTEN": f"127.0.0.1:{port}",  # our hook makes it bind to this address alone
        "LOCALSTACK_HOST": f"127.0.0.1:{port}",  # the host in the addresses it answers, such as queue URLs
        "SQS_ENDPOINT_STRATEGY": "path",  # queue URLs under that host, instead of a name that needs its DNS
        "DNS_ADDRESS": "0",  # no DNS server: port 53 is not ours
    }


def _quiet() -> dict[str, str]:
    return {
        "OVERRIDE_IN_DOCKER": "0",  # else it guesses, and writes to /var/lib/localstack inside a container
        "SKIP_SSL_CERT_DOWNLOAD": "1",  # makes a certificate itself; nothing is fetched
        "DISABLE_EVENTS": "1",  # no usage reports
        "LS_LOG": "warning",
        "SERVICES": ",".join(SERVICES),
        "SQS_DISABLE_CLOUDWATCH_METRICS": "1",  # there is no cloudwatch to report to
    }


def _memory() -> dict[str, str]:
    return {
        # Uploads of layers leave holes in the memory of each of its threads: 780 MB became 220 MB with these (glibc).
        "MALLOC_ARENA_MAX": "2",
        "MALLOC_TRIM_THRESHOLD_": str(128 * 1024),
    }


def _functions(runtime_python: Path) -> dict[str, str]:
    return {
        "LAMBDA_RUNTIME_EXECUTOR": "souk",  # this package
        RUNTIME_PYTHON: str(runtime_python),
        # Processes of one function at most; further invocations wait for a free one. A dozen functions share the
        # processors, and more processes than these can run only make one another's starts slow.
        ENVIRONMENTS: os.environ.get(ENVIRONMENTS) or str(max(3, os.cpu_count() or 1)),
        BATCHES: os.environ.get(BATCHES) or str(max(1, (os.cpu_count() or 1) // 2)),  # of one queue handled at once
        "LAMBDA_KEEPALIVE_MS": "300000",  # an idle process (about 40 MB) ends after five minutes
        "LAMBDA_SYNCHRONOUS_CREATE": "1",  # else clients poll for the function's state, seconds apart
        "LAMBDA_EVENT_SOURCE_MAPPING_POLL_INTERVAL_SEC": "0",  # polls wait at the queue, not between polls
        "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_EMPTY_POLL_SEC": "1",
        "LAMBDA_EVENT_SOURCE_MAPPING_MAX_BACKOFF_ON_ERROR_SEC": "5",  # default a minute: longer than any outage here
    }
