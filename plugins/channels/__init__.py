"""Connectors to sales channels, ERP systems and messengers."""

from __future__ import annotations

from pathlib import Path

from engine.api import Registry, learn
from plugins.channels.amazon import AmazonConnection
from plugins.channels.dingtalk import DingTalkConnection
from plugins.channels.feishu import FeishuConnection
from plugins.channels.jd import JDConnection
from plugins.channels.kingdee_cloud import KingdeeCloudConnection
from plugins.channels.kingdee_k3wise import K3WiseConnection
from plugins.channels.shopify import ShopifyConnection
from plugins.channels.taobao import TaobaoConnection
from plugins.channels.vendure import VendureConnection
from plugins.channels.wecom import WeComConnection
from plugins.channels.woocommerce import WooCommerceConnection

learn(Path(__file__).parent / "translations")


def register(registry: Registry) -> None:
    """Enters every connector of this package; each module has one vendor."""
    registry.connector(AmazonConnection)
    registry.connector(ShopifyConnection)
    registry.connector(VendureConnection)
    registry.connector(WooCommerceConnection)
    registry.connector(JDConnection)
    registry.connector(TaobaoConnection)
    registry.connector(KingdeeCloudConnection)
    registry.connector(K3WiseConnection)
    registry.connector(WeComConnection)
    registry.connector(DingTalkConnection)
    registry.connector(FeishuConnection)
