"""The field types Appmill brings along, one file per idea; plugins register theirs by the same call."""

from __future__ import annotations

from engine.fields.address import AddressField
from engine.fields.barcode import BarcodeField
from engine.fields.boolean import BooleanField
from engine.fields.choice import ChoiceField, ChoicesField, Option
from engine.fields.colour import ColourField
from engine.fields.contact import EmailField, PhoneField, UrlField
from engine.fields.dates import DateField, DatetimeField, TimeField
from engine.fields.derived import ComputedField, LookupField, RollupField, resolve
from engine.fields.duration import DurationField
from engine.fields.files import AttachmentField, ImageField, SignatureField
from engine.fields.money import MoneyField
from engine.fields.number import DecimalField, IntegerField, PercentField, QuantityField
from engine.fields.people import RoleField, UserField
from engine.fields.rating import RatingField
from engine.fields.relations import LinesField, LinkField, LinksField
from engine.fields.rich_text import RichTextField
from engine.fields.series import SeriesField
from engine.fields.structured import JsonField
from engine.fields.text import LongTextField, TextField
from engine.registry import Registry

BUILT_IN = (
    TextField, LongTextField, RichTextField, BooleanField, ChoiceField, ChoicesField, RatingField, ColourField,
    IntegerField, DecimalField, MoneyField, PercentField, QuantityField,
    DateField, DatetimeField, TimeField, DurationField,
    LinkField, LinksField, LinesField, UserField, RoleField,
    PhoneField, EmailField, UrlField, AddressField,
    AttachmentField, ImageField, SignatureField, BarcodeField, SeriesField, JsonField,
    ComputedField, RollupField, LookupField,
)  # fmt: skip


def register(registry: Registry) -> None:
    for field in BUILT_IN:
        registry.field(field)


__all__ = [*(field.__name__ for field in BUILT_IN), "Option", "register", "resolve"]
