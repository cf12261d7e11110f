"""Paper formats of a form: what stands on a sheet or a label, declared part by part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from engine.language import Expression, FieldName, Label, Named, RoleName, Template, option
from engine.registry import Registry

LENGTH = r"^[1-9][0-9]{0,2}mm$"
SIZES = {"A3": (297, 420), "A4": (210, 297), "A5": (148, 210), "A6": (105, 148)}  # mm, upright


@dataclass(frozen=True, kw_only=True)
class PaperPart:
    """One part of a sheet or label, below the one before."""

    type: ClassVar[str]
    icon: ClassVar[str] = "typography"


@dataclass(frozen=True, kw_only=True)
class HeadingPart(PaperPart):
    """A heading, with what stands beside it on the right."""

    type: ClassVar[str] = "heading"
    text: Template | None = option("The heading. Default: the title of the record.", None)
    above: Label | None = option("What stands small above it, such as the name of the company.", None)
    right: Template | None = option("What stands on the right, such as an address or a date.", None)


@dataclass(frozen=True, kw_only=True)
class FieldsPart(PaperPart):
    """Fields with their names, in columns."""

    type: ClassVar[str] = "fields"
    icon: ClassVar[str] = "list-details"
    label: Label | None = option("The heading above them.", None)
    fields: tuple[FieldName, ...] = option("The fields, in order.", minItems=1)
    columns: int = option("How many stand side by side.", 2, minimum=1, maximum=4)


@dataclass(frozen=True, kw_only=True)
class TablePart(PaperPart):
    """The lines of the record as a table."""

    type: ClassVar[str] = "table"
    icon: ClassVar[str] = "table"
    label: Label | None = option("The heading above the table.", None)
    lines: FieldName = option("The lines field.")
    columns: tuple[FieldName, ...] = option("The columns. Default: all of them.", (), of="lines")
    totals: tuple[FieldName, ...] = option("Columns to sum up.", (), of="lines")
    numbers: bool = option("Number the rows.", True)


@dataclass(frozen=True, kw_only=True)
class CodePart(PaperPart):
    """A code that scanners read."""

    type: ClassVar[str] = "code"
    icon: ClassVar[str] = "qrcode"
    value: Expression = option("What it says, such as record.number.")
    symbology: Literal["qr", "code128"] = option("The kind of code.", "qr")
    height: str = option("How tall it is.", "20mm", pattern=LENGTH)
    caption: bool = option("Its text stands below it.", True)


@dataclass(frozen=True, kw_only=True)
class TextPart(PaperPart):
    """Words, with values of the record in them."""

    type: ClassVar[str] = "text"
    text: Template = option("The words; an empty line begins another paragraph.")
    size: Literal["small", "normal", "large", "huge"] = option("How large they are.", "normal")
    align: Literal["left", "centre", "right"] = option("Where they stand.", "left")


@dataclass(frozen=True, kw_only=True)
class PicturesPart(PaperPart):
    """The pictures of an image or signature field."""

    type: ClassVar[str] = "pictures"
    icon: ClassVar[str] = "photo"
    field: FieldName = option("The field.")
    height: str = option("How tall they are.", "40mm", pattern=LENGTH)


@dataclass(frozen=True, kw_only=True)
class SignaturesPart(PaperPart):
    """Boxes to sign in by hand."""

    type: ClassVar[str] = "signatures"
    icon: ClassVar[str] = "signature"
    boxes: tuple[Label, ...] = option("Who signs, one for each box.", minItems=1, maxItems=4)


@dataclass(frozen=True, kw_only=True)
class PrintFormat(Named):
    """A paper format: what of a record is printed, on what."""

    label: Label = option("What it is called.")
    size: str = option(
        "The paper: A3, A4, A5, A6, or width and height such as 100x60mm.",
        "A4",
        pattern=r"^(A[3-6]|[1-9][0-9]{1,2}x[1-9][0-9]{1,2}mm)$",
    )
    orientation: Literal["portrait", "landscape"] = option("How the paper lies.", "portrait")
    margin: str = option("The margin on all sides.", "12mm", pattern=r"^[0-9]{1,2}mm$")
    roles: tuple[RoleName, ...] = option("Who may print it. Empty: whoever may see the record.", ())
    language: Literal["zh", "en", "both"] | None = option(
        "The language; both puts the names of fields in Chinese and English. Default: that of whoever prints.", None
    )
    file_name: Template | None = option("The name of the file, without its ending. Default: the record's title.", None)
    each: FieldName | None = option(
        "A lines field: one label for each line. `record` and all fields are then the line's, record.parent is the "
        "record around it.",
        None,
    )
    across: int = option("How many labels stand side by side on a sheet.", 1, minimum=1, maximum=10)
    down: int = option("How many stand one below the other.", 1, minimum=1, maximum=30)
    page_numbers: bool = option("Number the pages.", True)
    parts: tuple[PaperPart, ...] = option("What stands on it, from top to bottom.", minItems=1)

    @property
    def paper(self) -> tuple[int, int]:
        """Width and height in mm, as it lies."""
        size = SIZES.get(self.size)
        width, height = size or tuple(int(one) for one in self.size.removesuffix("mm").split("x"))
        return (height, width) if self.orientation == "landscape" else (width, height)

    @property
    def is_labels(self) -> bool:
        return self.each is not None or self.across * self.down > 1


def register(registry: Registry) -> None:
    for part in (HeadingPart, FieldsPart, TablePart, CodePart, TextPart, PicturesPart, SignaturesPart):
        registry.part(part)
