"""One field of every type, and a reader of each language; what the tests of this folder share."""

from __future__ import annotations

from decimal import Decimal

from engine import fields
from engine.formats import Reader
from engine.language import Label

ZH = Reader("zh", "Asia/Shanghai", "CNY")
EN = Reader("en", "Europe/Berlin", "EUR")

OPTIONS = {
    "red": fields.Option(name="red", label=Label({"zh": "红", "en": "Red"}), colour="red"),
    "green": fields.Option(name="green", label=Label({"zh": "绿", "en": "Green"}), colour="green"),
    "blue": fields.Option(name="blue"),
}
SAMPLES = {
    field.name: field
    for field in (
        fields.TextField(name="text"),
        fields.LongTextField(name="long_text"),
        fields.RichTextField(name="rich_text"),
        fields.IntegerField(name="integer"),
        fields.DecimalField(name="decimal", scale=3),
        fields.MoneyField(name="money", currency="CNY"),
        fields.PercentField(name="percent", scale=1),
        fields.QuantityField(name="quantity", unit="kg", units={"t": Decimal(1000), "g": Decimal("0.001")}),
        fields.BooleanField(name="boolean"),
        fields.ChoiceField(name="choice", options=OPTIONS),
        fields.ChoicesField(name="choices", options=OPTIONS),
        fields.DateField(name="date"),
        fields.TimeField(name="time"),
        fields.DatetimeField(name="datetime"),
        fields.DurationField(name="duration"),
        fields.SeriesField(name="series", pattern="T{yyyy}{mm}-{00000}"),
        fields.LinkField(name="link", form="ticket"),
        fields.LinksField(name="links", form="ticket"),
        fields.LinesField(name="lines", form="ticket_line"),
        fields.UserField(name="user"),
        fields.RoleField(name="role"),
        fields.PhoneField(name="phone"),
        fields.EmailField(name="email"),
        fields.UrlField(name="url"),
        fields.AddressField(name="address"),
        fields.ColourField(name="colour"),
        fields.RatingField(name="rating"),
        fields.BarcodeField(name="barcode"),
        fields.SignatureField(name="signature"),
        fields.AttachmentField(name="attachment", accept=("pdf", "image")),
        fields.ImageField(name="image"),
        fields.JsonField(name="json"),
        fields.ComputedField(name="computed", result=fields.MoneyField(name="", currency="CNY"), value="record.a * 2"),
        fields.RollupField(name="rollup", of="ticket", via="project"),
        fields.LookupField(name="lookup", via="link", field="name", result=fields.TextField(name="name")),
    )
}
