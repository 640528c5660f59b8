import io
import json
import signal
import subprocess
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx
import psutil
import pytest
from bench.serving import WITH_US
from botocore.config import Config
from ports import free_ports

from souk_executor.environment import command, environment
from souk_local import install, layout, site
from souk_local import localstack as part
from souk_local.patience import until

pytestmark = [pytest.mark.stack, pytest.mark.enable_socket]

PATIENCE = 180.0  # seconds; LocalStack takes a few to start, and a minute on a busy machine
ROLE = "arn:aws:iam::000000000000:role/any"
CODE = """
import json, os, time
import layered

def handler(event, context):
    if "Records" in event:
        bad = [record["messageId"] for record in event["Records"] if record["body"] == "bad"]
        print("handled", [record["body"] for record in event["Records"]])
        return {"batchItemFailures": [{"itemIdentifier": message} for message in bad]}
    if event.get("exit"):
        os._exit(1)
    while "until" in event and not os.path.exists(event["until"]):
        time.sleep(0.05)
    return {"layer": layered.NAME, "pid": os.getpid(), "setting": os.environ["SETTING"]}
"""


@dataclass(frozen=True)
class LocalStack:
    """A LocalStack that was started for these tests."""

    process: subprocess.Popen[bytes]
    url: str
    home: Path

    def client(self, service: str) -> Any:
        return boto3.client(  # type: ignore[call-overload]  # the service is named at run time
            service,
            endpoint_url=self.url,
            region_name="eu-central-1",
            aws_access_key_id="test",
            aws_secret_access_key="test",
            config=Config(retries={"max_attempts": 0}, read_timeout=60, max_pool_connections=32),
        )

    def invoke(self, name: str = "shop", **event: object) -> Any:
        return json.loads(self.client("lambda").invoke(FunctionName=name, Payload=json.dumps(event))["Payload"].read())

    def counts(self, name: str = "shop") -> Any:
        return httpx.get(f"{self.url}/_souk/functions").json()[name]


def interpreter(name: str) -> Path:
    part.prepare(site.here(), print)  # instant when the environments are there
    return install.venv(layout.find(), name) / "bin" / "python"


@contextmanager
def running(home: Path) -> Iterator[LocalStack]:
    """Run a LocalStack with a function; it is gone afterwards, whatever happened to it."""
    [port] = free_ports(1)
    variables = environment(port=port, home=home, runtime_python=interpreter("lambda-runtime"))
    argv = [*WITH_US, *command(interpreter("localstack"))]
    with (home / "log").open("wb") as log, subprocess.Popen(argv, env=variables, stdout=log, stderr=log) as process:
        try:
            localstack = LocalStack(process, f"http://127.0.0.1:{port}", home)
            until(lambda: healthy(localstack), within=PATIENCE)
            deploy(localstack)
            yield localstack
        finally:
            process.kill()


def healthy(localstack: LocalStack) -> bool:
    if localstack.process.poll() is not None:
        pytest.fail("LocalStack ended while it started")
    try:
        return httpx.get(f"{localstack.url}/_localstack/health", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def zipped(**files: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/") + ".py", text)
    return packed.getvalue()


def deploy(localstack: LocalStack) -> None:
    functions = localstack.client("lambda")
    layers = [
        functions.publish_layer_version(
            LayerName=name, Content={"ZipFile": zipped(python__layered=f"NAME = {name!r}")}
        )["LayerVersionArn"]
        for name in ("first", "second")
    ]
    functions.create_function(
        FunctionName="shop",
        Runtime="python3.11",
        Handler="app.handler",
        Role=ROLE,
        Code={"ZipFile": zipped(app=CODE)},
        Layers=layers,
        Timeout=60,
        Environment={"Variables": {"SETTING": "set"}},
    )


@pytest.fixture(scope="module")
def localstack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalStack]:
    with running(tmp_path_factory.mktemp("localstack")) as started:
        yield started


def test_a_function_runs_with_its_settings_and_the_later_of_two_layers(localstack: LocalStack) -> None:
    answer = localstack.invoke()
    assert (answer["layer"], answer["setting"]) == ("second", "set")
    assert localstack.invoke()["pid"] == answer["pid"]


def test_what_lies_in_a_bucket_lies_at_its_home(localstack: LocalStack) -> None:
    localstack.client("s3").create_bucket(
        Bucket="pictures", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    assert [place.name for place in localstack.home.rglob("pictures")] == ["pictures"]


def test_a_function_that_dies_is_counted_and_starts_anew(localstack: LocalStack) -> None:
    before = localstack.counts()["errors"] if localstack.invoke() else 0
    assert localstack.invoke(exit=True)["errorType"] == "Runtime.ExitError"
    assert localstack.counts()["errors"] == before + 1
    assert localstack.counts()["last_error"].startswith("Runtime.ExitError: ")
    assert localstack.invoke()["layer"] == "second"


def test_many_at_once_are_answered_by_few_processes(localstack: LocalStack) -> None:
    with ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: localstack.invoke(), range(100)))
    assert 1 < len({answer["pid"] for answer in answers}) <= 8


def test_reserved_concurrency_refuses_what_is_beyond(localstack: LocalStack) -> None:
    functions = localstack.client("lambda")
    functions.put_function_concurrency(FunctionName="shop", ReservedConcurrentExecutions=1)
    try:
        with ThreadPoolExecutor(4) as pool:
            asked = [pool.submit(localstack.invoke, until=str(localstack.home / "enough")) for _ in range(4)]
            refused = (one.exception() for one in as_completed(asked))
            refusals = [next(refused) for _ in range(3)]
            (localstack.home / "enough").touch()
        assert [one.exception() for one in asked if one.exception() not in refusals] == [None]
    finally:
        functions.delete_function_concurrency(FunctionName="shop")
    assert [type(refusal).__name__ for refusal in refusals] == ["TooManyRequestsException"] * 3


def test_a_bad_message_comes_again_without_its_neighbours(localstack: LocalStack) -> None:
    queues, functions = localstack.client("sqs"), localstack.client("lambda")
    address = queues.create_queue(QueueName="work", Attributes={"VisibilityTimeout": "10"})["QueueUrl"]
    functions.create_event_source_mapping(
        EventSourceArn="arn:aws:sqs:eu-central-1:000000000000:work",
        FunctionName="shop",
        FunctionResponseTypes=["ReportBatchItemFailures"],
    )
    queues.send_message_batch(
        QueueUrl=address, Entries=[{"Id": body, "MessageBody": body} for body in ("a", "bad", "b")]
    )
    until(lambda: handled(localstack).count("'bad'") >= 2)
    assert (handled(localstack).count("'a'"), handled(localstack).count("'b'")) == (1, 1)


def handled(localstack: LocalStack) -> str:
    events = localstack.client("logs").filter_log_events(logGroupName="/aws/lambda/shop", filterPattern="handled")
    return "".join(event["message"] for event in events["events"] if event["message"].startswith("handled"))


def test_it_listens_on_the_loopback_address_alone(localstack: LocalStack) -> None:
    served = psutil.Process(localstack.process.pid).net_connections("tcp")
    assert {one.laddr.ip for one in served if one.status == psutil.CONN_LISTEN} == {"127.0.0.1"}


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGKILL])
def test_no_function_outlives_it(tmp_path: Path, sign: signal.Signals) -> None:
    with running(tmp_path) as mine, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(mine.invoke, until="for ever")
        until(lambda: psutil.Process(mine.process.pid).children())
        functions = psutil.Process(mine.process.pid).children(recursive=True)
        mine.process.send_signal(sign)
        mine.process.wait(40)
        gone, alive = psutil.wait_procs(functions, timeout=40)
        assert (len(gone) > 0, alive) == (True, [])
        assert asked.exception(40) is not None
