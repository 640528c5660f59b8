"""The settings that every service, the bridge and the migrations need to use the local stack."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from souk import stages
from souk_local import credentials, graph, mongo, postgres, rabbit, redis, search
from souk_local.layout import LOOPBACK
from souk_local.services import MONGO_SERVICES, SIGNERS, SQL_SERVICES

if TYPE_CHECKING:
    from souk.auth import Jwks, PrivateKey
    from souk_local.layout import Layout
    from souk_local.site import Site
    from souk_local.stack import Stack

REGION = "eu-central-1"
ROLE_SETTINGS: Mapping[str, str] = {
    "app": "{service}_DATABASE_URL",
    "owner": "{service}_OWNER_DATABASE_URL",
    "relay": "{service}_RELAY_DATABASE_URL",
}
TRUST: Mapping[str, tuple[str, ...]] = {
    "admin": ("admin",),
    "customer": ("customer", "admin"),
    "catalog": ("admin",),
    "product": ("admin", "customer"),
    "cart": ("cart", "customer", "admin"),
    "order": ("admin", "customer", "cart"),
}
"""Whose tokens each service accepts."""


def connections(stack: Stack) -> dict[str, str]:
    """Every setting of the services for this stack, secrets included."""
    site = stack.site
    search_url = {"PRODUCT_SEARCH_URL": search.url(site, stack.engine.name)}
    return {**databases(site), **carriers(site), **search_url, **keys(site), "SOUK_STAGE": stages.LOCAL}


def databases(site: Site) -> dict[str, str]:
    """Return the PostgreSQL addresses: each service's own, its owner's for migrations, the relay's for the bridge."""
    return {
        pattern.format(service=service.upper()): postgres.url(site, service, role)
        for service in SQL_SERVICES
        for role, pattern in ROLE_SETTINGS.items()
    }


def carriers(site: Site) -> dict[str, str]:
    """Return the addresses of the other stores whose address doesn't depend on the engine."""
    documents = {f"{service.upper()}_MONGO_URL": mongo.url(site, f"souk_{service}") for service in MONGO_SERVICES}
    return {
        **documents,
        "PRODUCT_GRAPH_URL": graph.url(site),
        "CART_REDIS_URL": redis.url(site),
        "BRIDGE_RABBIT_URL": rabbit.url(site),
    }


def keys(site: Site) -> dict[str, str]:
    """Return the signers' private keys, and for each service the public keys of those it trusts."""
    own = site.credentials.signing_keys
    signing = {f"{signer.upper()}_SIGNING_KEY": text(own[signer]) for signer in SIGNERS}
    trusted = {
        f"{service.upper()}_TRUSTED_KEYS": text(credentials.trusted(site.credentials, signers))
        for service, signers in TRUST.items()
    }
    return {**signing, **trusted}


def text(what: PrivateKey | Jwks) -> str:
    """Return a key, or a set of them, as JSON."""
    return msgspec.json.encode(what).decode()


def environment(site: Site) -> dict[str, str]:
    """Tell what AWS's tools and Chalice need to work on the local stack; no secret in it."""
    return {
        "AWS_ENDPOINT_URL": endpoint(site.layout),
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "SOUK_STAGE": stages.LOCAL,
        "PYTHONPATH": str(site.layout.root / "layers" / "souk" / "python"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def endpoint(place: Layout) -> str:
    """Where LocalStack answers: ours, or the user's own."""
    return place.foreign_localstack or f"http://{LOOPBACK}:{place.port('localstack')}"
