"""The trigger that a message from outside pulls."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from engine.credentials import Secret
from engine.language import NAME_PATTERN, Duration, option
from engine.registry import Registry
from engine.triggers import Trigger

Style = Literal["appmill", "github", "shopify", "woocommerce", "hex", "base64", "token"]


@dataclass(frozen=True)
class Manner:
    """How a sender shows who it is. ``header`` carries the signature or token, ``delivery`` what names one delivery,
    ``timestamp`` when it was sent; ``prefix`` stands before the signature."""

    header: str
    delivery: str
    timestamp: str | None = None
    prefix: str = ""
    encoding: Literal["hex", "base64", "token"] = "hex"


MANNERS: Mapping[Style, Manner] = {
    "appmill": Manner("X-Appmill-Signature", "X-Appmill-Delivery", "X-Appmill-Timestamp"),
    "github": Manner("X-Hub-Signature-256", "X-GitHub-Delivery", prefix="sha256="),
    "shopify": Manner("X-Shopify-Hmac-Sha256", "X-Shopify-Webhook-Id", encoding="base64"),
    "woocommerce": Manner("X-WC-Webhook-Signature", "X-WC-Webhook-Delivery-ID", encoding="base64"),
    "hex": Manner("X-Signature", "X-Delivery-Id"),
    "base64": Manner("X-Signature", "X-Delivery-Id", encoding="base64"),
    "token": Manner("X-Token", "X-Delivery-Id", encoding="token"),
}


SIGNATURE = (
    "How it is signed: HMAC-SHA256 of the body, in hex or base64, in the header the named system uses; 'appmill' signs "
    "the time too; 'token' sends the secret itself."
)


@dataclass(frozen=True, kw_only=True)
class Signed:
    """How messages from outside are signed, and by what a repeated one is known."""

    signature: Style = option(SIGNATURE, "appmill")
    header: str | None = option("The header of the signature or token, where it differs.", None)
    timestamp: str | None = option(
        "The header with the seconds since 1970. Then `<seconds>.<body>` is signed, and what is too old is refused.",
        None,
    )
    window: Duration = option("How old a signed message may be.", Duration(5, "m"))
    delivery: str | None = option("The header that names a delivery, where it differs; a repeated one acts once.", None)

    @property
    def manner(self) -> Manner:
        """What the style says, with the headers that are named here."""
        usual = MANNERS[self.signature]
        return Manner(
            self.header or usual.header, self.delivery or usual.delivery, self.timestamp or usual.timestamp,
            usual.prefix, usual.encoding,
        )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Webhook(Signed, Trigger):
    """Another system sends a message to /hooks/<path>. `payload` is what it said, `headers` what came with it."""

    type: ClassVar[str] = "webhook"
    gives: ClassVar[Mapping[str, str]] = {"payload": "any", "headers": "any"}
    path: str = option("The last part of the address.", pattern=NAME_PATTERN)
    secret: Secret | None = option("What the sender signs with, or the token it sends.", None)
    open: bool = option("Anybody may send: no secret is asked for.", False)
    per_minute: int = option("How many messages one address may send in a minute.", 120, minimum=1, maximum=100_000)


def register(registry: Registry) -> None:
    registry.trigger(Webhook)
