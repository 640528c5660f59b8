"""Who is calling: Ed25519 tokens (RFC 8037, RFC 7519) with permissions inside, and the callers they name."""

import base64
import binascii
import functools
import hashlib
from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from souk.errors import Unauthenticated

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LEEWAY = timedelta(seconds=30)  # clocks of signer and reader differ a little


class Kind(StrEnum):
    """What sort of caller it is."""

    ANYONE = "anyone"
    GUEST = "guest"  # holds an opaque token, of which services know the hash only
    CUSTOMER = "customer"
    STAFF = "staff"
    ORDER_HOLDER = "order-holder"  # holds a token for one order; `subject` is the order


ISSUERS = {Kind.CUSTOMER: "customer", Kind.STAFF: "admin", Kind.ORDER_HOLDER: "cart"}  # who may vouch for whom
AUDIENCES = {"customer": Kind.CUSTOMER, "admin": Kind.STAFF, "order": Kind.ORDER_HOLDER}


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who is calling. `subject` is the customer's, staff member's or order's id, or the hash of a guest's token."""

    kind: Kind = Kind.ANYONE
    subject: str = ""
    permissions: frozenset[str] = frozenset()
    session: str = ""

    def may(self, permission: str) -> bool:
        """Tell whether this is a staff member who holds `permission`."""
        return self.kind is Kind.STAFF and permission in self.permissions


ANYONE = Caller()


class PublicKey(msgspec.Struct, frozen=True, kw_only=True):
    """An Ed25519 public key as a JWK (RFC 8037), and `iss`: in whose name alone it signs."""

    kid: str
    x: str
    iss: str
    kty: Literal["OKP"] = "OKP"
    crv: Literal["Ed25519"] = "Ed25519"
    use: Literal["sig"] = "sig"
    alg: Literal["EdDSA"] = "EdDSA"


class PrivateKey(msgspec.Struct, frozen=True, kw_only=True):
    """An Ed25519 private key as a JWK (RFC 8037)."""

    kid: str
    x: str
    d: str
    kty: Literal["OKP"] = "OKP"
    crv: Literal["Ed25519"] = "Ed25519"

    def public(self, issuer: str) -> PublicKey:
        """Return the half that may be shown, as the key of `issuer`."""
        return PublicKey(kid=self.kid, x=self.x, iss=issuer)


class Jwks(msgspec.Struct, frozen=True):
    """A set of public keys (RFC 7517)."""

    keys: list[PublicKey]


class Claims(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a token says. Times are seconds since 1970, as RFC 7519 has them."""

    iss: str
    sub: str
    aud: str
    exp: int
    iat: int
    perms: list[str] = []
    sid: Annotated[str, msgspec.Meta(description="the session it belongs to")] = ""


class _Head(msgspec.Struct, frozen=True):
    kid: str
    alg: Literal["EdDSA"] = "EdDSA"
    typ: str = "JWT"


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _unb64(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def new_key() -> PrivateKey:
    """Return a fresh signing key; its id is its thumbprint's beginning (RFC 7638)."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    x = _b64(key.public_key().public_bytes_raw())
    thumb = hashlib.sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}'.encode()).digest()
    return PrivateKey(kid=_b64(thumb)[:16], x=x, d=_b64(key.private_bytes_raw()))


class Signer:
    """Signs tokens in the name of one service (`iss`)."""

    def __init__(self, issuer: str, key: PrivateKey) -> None:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._issuer = issuer
        self._head = _b64(msgspec.json.encode(_Head(kid=key.kid)))
        self._key = Ed25519PrivateKey.from_private_bytes(_unb64(key.d))
        self.jwks = Jwks([key.public(issuer)])

    def sign(
        self,
        subject: str,
        *,
        audience: str,
        now: datetime,
        lasts: timedelta,
        permissions: frozenset[str] = frozenset(),
        session: str = "",
    ) -> str:
        """Return a token for `subject`, good for `audience` from `now` for as long as it `lasts`."""
        claims = Claims(
            iss=self._issuer,
            sub=subject,
            aud=audience,
            iat=int(now.timestamp()),
            exp=int((now + lasts).timestamp()),
            perms=sorted(permissions),
            sid=session,
        )
        body = f"{self._head}.{_b64(msgspec.json.encode(claims))}"
        return f"{body}.{_b64(self._key.sign(body.encode()))}"


class Trust:
    """Reads tokens signed by any of the trusted keys; each is trusted in the name of its own issuer only."""

    def __init__(self, jwks: Jwks) -> None:
        self._keys = {key.kid: key for key in jwks.keys}

    @classmethod
    def of(cls, jwks_json: str) -> "Trust":
        """Build from a JWKS document."""
        return cls(msgspec.json.decode(jwks_json, type=Jwks))

    def read(self, token: str, *, now: datetime) -> Caller:
        """Return the caller a token names. Raises Unauthenticated for one that is forged, expired or not for us."""
        from cryptography.exceptions import InvalidSignature

        try:
            head, body, signature = token.split(".")
            key = self._keys[msgspec.json.decode(_unb64(head), type=_Head).kid]
            _public(key.x).verify(_unb64(signature), f"{head}.{body}".encode())
            claims = msgspec.json.decode(_unb64(body), type=Claims)
        except (ValueError, KeyError, binascii.Error, msgspec.MsgspecError, InvalidSignature) as error:
            raise Unauthenticated("the token is not one we trust") from error
        if claims.iss != key.iss:
            raise Unauthenticated("the token is not one we trust")
        return _caller(claims, now)


@functools.lru_cache(maxsize=32)
def _public(x: str) -> "Ed25519PublicKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return Ed25519PublicKey.from_public_bytes(_unb64(x))


def _caller(claims: Claims, now: datetime) -> Caller:
    if claims.exp + LEEWAY.total_seconds() < now.timestamp():
        raise Unauthenticated("the token has expired")
    kind = AUDIENCES.get(claims.aud)
    if kind is None or claims.iss != ISSUERS[kind]:
        raise Unauthenticated("the token is meant for somebody else")
    return Caller(kind=kind, subject=claims.sub, permissions=frozenset(claims.perms), session=claims.sid)


def guest(token: str) -> Caller:
    """Return the caller who holds the opaque `token`; services compare the hash."""
    return Caller(kind=Kind.GUEST, subject=digest(token))


def digest(token: str) -> str:
    """Return the only form in which a token is ever stored: its SHA-256 in hex."""
    return hashlib.sha256(token.encode()).hexdigest()
