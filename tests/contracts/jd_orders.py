"""What 京东 says of an order."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from contracts.trade import CANCELLED, FINISHED, PAID, SHIPPED, Sold, local, masked_mobile, masked_name, masked_street

STATES = {"WAIT_SELLER_STOCK_OUT": PAID, "WAIT_GOODS_RECEIVE_CONFIRM": SHIPPED, "FINISHED_L": FINISHED,
          "TRADE_CANCELED": CANCELLED}  # fmt: skip
EMPTY_STATES = ("WAIT_SELLER_DELIVERY", "PAUSE", "LOCKED", "POP_ORDER_PAUSE")  # they exist; no order here is in one
NAMES = {state: name for name, state in STATES.items()}
REMARKS = {PAID: "等待出库", SHIPPED: "等待确认收货", FINISHED: "完成", CANCELLED: "取消"}


def order_of(sold: Sold, fields: set[str]) -> dict[str, Any]:
    """Only what ``optional_fields`` names, and orderId; who and where is masked."""
    row: dict[str, Any] = {"orderId": sold.no}
    row.update((name, make(sold)) for name, make in FIELDS.items() if name in fields)
    return row


def _consignee(sold: Sold) -> dict[str, str]:
    who = sold.buyer
    return {"fullname": masked_name(who.name), "mobile": masked_mobile(who.mobile), "telephone": "",
            "province": who.province, "city": who.city, "county": who.district, "town": "",
            "fullAddress": who.province + who.city + who.district + masked_street(who.street)}  # fmt: skip


def _items(sold: Sold) -> list[dict[str, str]]:
    return [{"skuId": str(line.good.sku_id), "outerSkuId": line.good.sku, "wareId": str(line.good.item_id),
             "skuName": line.good.title, "jdPrice": str(line.price), "itemTotal": str(line.quantity)}
            for line in sold.lines]  # fmt: skip


FIELDS: dict[str, Callable[[Sold], Any]] = {
    "venderId": lambda sold: "10086001",
    "orderType": lambda sold: "22",
    "payType": lambda sold: "4-在线支付",
    "orderTotalPrice": lambda sold: str(sold.goods_amount + sold.freight),
    "orderSellerPrice": lambda sold: str(sold.goods_amount),
    "orderPayment": lambda sold: str(sold.total),
    "freightPrice": lambda sold: str(sold.freight),
    "sellerDiscount": lambda sold: str(sold.discount),
    "orderState": lambda sold: NAMES[sold.state],
    "orderStateRemark": lambda sold: REMARKS[sold.state],
    "orderRemark": lambda sold: sold.note,
    "venderRemark": lambda sold: "",
    "orderStartTime": lambda sold: local(sold.placed),
    "paymentConfirmTime": lambda sold: local(sold.placed),
    "modified": lambda sold: local(sold.changed),
    "logisticsId": lambda sold: sold.carrier,
    "waybill": lambda sold: sold.waybill,
    "consigneeInfo": _consignee,
    "itemInfoList": _items,
    "pin": lambda sold: masked_name(sold.buyer.nick),
}
