"""Settings and secrets by service name: from the environment, a file, or the service's secret in Secrets Manager."""

import functools
import os
from pathlib import Path

import msgspec

from souk.errors import Unavailable


class Unset(LookupError):
    """A setting that the service cannot do without is nowhere to be found: a mistake of the deployment."""


def setting(service: str, name: str, default: str | None = None) -> str:
    """Return the setting `name` of `service`.

    Looked up as `ORDER_NAME`, then as a file named by `ORDER_NAME_FILE`, then as key `NAME` of the JSON secret named
    by `ORDER_SECRET_ID`. Raises Unset where it is nowhere and has no default, Unavailable where secrets do not answer.
    """
    prefix = service.upper()
    if (value := os.environ.get(f"{prefix}_{name}")) is not None:
        return value
    if path := os.environ.get(f"{prefix}_{name}_FILE"):
        return Path(path).read_text(encoding="utf-8").strip()
    if secret := os.environ.get(f"{prefix}_SECRET_ID"):
        found = _secret(secret).get(name)
        if found is not None:
            return found
    if default is None:
        raise Unset(f"the setting {prefix}_{name} is not set")
    return default


@functools.cache
def _secret(secret_id: str) -> dict[str, str]:
    """Return a service's secrets; one call in a container's life."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    config = Config(connect_timeout=2, read_timeout=5, retries={"max_attempts": 2})
    try:
        answer = boto3.client("secretsmanager", config=config).get_secret_value(SecretId=secret_id)
    except (BotoCoreError, ClientError) as error:
        raise Unavailable(f"secrets cannot be read: {type(error).__name__}") from error
    return msgspec.json.decode(answer["SecretString"], type=dict[str, str])
