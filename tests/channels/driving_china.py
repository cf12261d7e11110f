"""Connectors of China's shops, ERP systems and messengers against their contract servers, driven as in ``driving``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import driving
from contracts.bots import DingTalk, Feishu, WeCom
from contracts.jd import JD
from contracts.kingdee_cloud import KingdeeCloud
from contracts.kingdee_k3wise import KingdeeK3Wise
from contracts.taobao import Taobao
from contracts.vendor import serving
from fake_clock import FakeClock

from engine.calendars import seconds_of
from engine.credentials import Secret
from engine.errors import Throttled, message
from engine.outside.exchanges import Exchange
from plugins.channels.dingtalk import DingTalkConnection
from plugins.channels.feishu import FeishuConnection
from plugins.channels.jd import JDConnection
from plugins.channels.kingdee_cloud import KingdeeCloudConnection
from plugins.channels.kingdee_k3wise import K3WiseConnection
from plugins.channels.taobao import TaobaoConnection
from plugins.channels.wecom import WeComConnection


class Around(driving.Around):
    """With the limits of all operations together, and the secrets that fit the vendor."""

    def __init__(self, desk: Desk) -> None:
        super().__init__(desk.connection, desk.clock)
        self.desk = desk
        self.exchanges: list[Exchange] = []

    def secret(self, name: str, host: str) -> str:
        assert host == "127.0.0.1"
        return self.desk.secrets[name]

    def turn(self, operation: str) -> None:
        self.turns.append(operation)
        limits = {**self.connection.usual_limits(), **self.connection.limits}
        now = self.clock.now.timestamp()
        rates = {name: limits[name] for name in ("all", operation) if name in limits}
        steps = {name: seconds_of(rate.per) / rate.calls for name, rate in rates.items()}
        wait = max((self.full_at.get(name, now) - now - steps[name] * (rate.burst - 1) for name, rate in rates.items()), default=0)
        if wait > 1e-6:
            raise Throttled(message("wait"), wait)
        for name, step in steps.items():
            self.full_at[name] = max(self.full_at.get(name, now), now) + step

    def note(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)


class Desk(driving.Desk):
    def __init__(self, vendor: Any, connection: Any, clock: FakeClock, secrets: dict[str, str]) -> None:
        self.secrets = secrets
        super().__init__(vendor, connection, clock)

    def restart(self) -> None:
        self.around = Around(self)
        self.around.renewed = self.renewed


VENDORS = {"jd": JD, "taobao": Taobao, "kingdee_cloud": KingdeeCloud, "kingdee_k3wise": KingdeeK3Wise,
           "wecom": WeCom, "dingtalk": DingTalk, "feishu": Feishu}  # fmt: skip
SHOPS = ("jd", "taobao")
BOTS = ("wecom", "dingtalk", "feishu")


@contextmanager
def desk_of(kind: str, of_vendor: Mapping[str, Any] | None = None, **options: Any) -> Iterator[Desk]:
    clock = FakeClock()
    vendor: Any = VENDORS[kind](clock, **(of_vendor or {}))
    vendor.hang = 0.01
    with serving(vendor) as served:
        made, secrets = MAKERS[kind](vendor, served.url)
        usual = {"name": kind, "base_url": served.url, "private": True}
        made = {name: Secret(value.removeprefix("secret ")) if str(value).startswith("secret ") else value for name, value in made.items()}
        yield Desk(vendor, CONNECTIONS[kind](**usual | made | options), clock, secrets)


CONNECTIONS: dict[str, Any] = {
    "jd": JDConnection, "taobao": TaobaoConnection, "kingdee_cloud": KingdeeCloudConnection,
    "kingdee_k3wise": K3WiseConnection, "wecom": WeComConnection, "dingtalk": DingTalkConnection, "feishu": FeishuConnection,
}  # fmt: skip
MAKERS: dict[str, Any] = {
    "jd": lambda vendor, url: (
        {"token_url": url, "app_key": vendor.app_key, "app_secret": "secret JD_SECRET", "refresh_token": "secret JD_REFRESH",
         "carriers": {"SF": "467", "YTO": "463"}},
        {"JD_SECRET": vendor.secret, "JD_REFRESH": vendor.refresh_token, "JD_TOKEN": vendor.access_token},
    ),
    "taobao": lambda vendor, url: (
        {"app_key": vendor.app_key, "app_secret": "secret TB_SECRET", "session": "secret TB_SESSION"},
        {"TB_SECRET": vendor.secret, "TB_SESSION": vendor.session},
    ),
    "kingdee_cloud": lambda vendor, url: (
        {"account": vendor.acct, "user": vendor.user, "app_id": "secret KD_APP", "app_secret": "secret KD_SECRET", "organisation": 100},
        {"KD_APP": vendor.app_id, "KD_SECRET": vendor.app_secret},
    ),
    "kingdee_k3wise": lambda vendor, url: (
        {"authority_code": "secret K3_CODE", "database_url": "secret K3_DATABASE"},
        {"K3_CODE": vendor.authority_code, "K3_DATABASE": vendor.database_url},
    ),
    "wecom": lambda vendor, url: ({"key": "secret WECOM_KEY"}, {"WECOM_KEY": vendor.key}),
    "dingtalk": lambda vendor, url: (
        {"token": "secret DING_TOKEN", "secret": "secret DING_SECRET"}, {"DING_TOKEN": vendor.token, "DING_SECRET": vendor.secret},
    ),
    "feishu": lambda vendor, url: (
        {"token": "secret FS_TOKEN", "secret": "secret FS_SECRET"}, {"FS_TOKEN": vendor.token, "FS_SECRET": vendor.secret},
    ),
}  # fmt: skip
