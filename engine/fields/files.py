"""Files, pictures and signatures: the value is the ids of uploaded files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from markupsafe import Markup
from sqlalchemy.types import TypeEngine

from engine.fields import operators
from engine.fields.base import Field, Operator
from engine.fields.columns import Ids
from engine.fields.relations import record_ids, title_of
from engine.formats import Reader
from engine.language import option

Kind = Literal["pdf", "image", "word", "excel", "powerpoint", "text", "csv", "zip", "audio", "video", "cad"]
# what browsers offer in the file dialogue, and what the server compares a file's name and content type with
KINDS: Mapping[str, tuple[str, ...]] = {
    "pdf": (".pdf", "application/pdf"),
    "image": (".png", ".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".heic", "image/*"),
    "word": (".doc", ".docx", ".odt", ".wps"),
    "excel": (".xls", ".xlsx", ".xlsm", ".ods", ".et"),
    "powerpoint": (".ppt", ".pptx", ".odp", ".dps"),
    "text": (".txt", ".md", ".log", "text/plain"),
    "csv": (".csv", ".tsv", "text/csv"),
    "zip": (".zip", ".7z", ".rar", "application/zip"),
    "audio": (".mp3", ".m4a", ".wav", ".ogg", "audio/*"),
    "video": (".mp4", ".mov", ".webm", "video/*"),
    "cad": (".dwg", ".dxf", ".step", ".stp", ".igs", ".stl"),
}
_HOLDS = {".pdf": "application/pdf", **dict.fromkeys((".png", ".jpg", ".jpeg", ".gif", ".webp"), "image/")}
_CLIP = Markup(
    '<span class="field-files text-secondary" title="{0}">'
    '<svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" aria-hidden="true">'
    '<path d="M15 7l-6.5 6.5a1.5 1.5 0 0 0 3 3l6.5 -6.5a3 3 0 0 0 -6 -6l-6.5'
    ' 6.5a4.5 4.5 0 0 0 9 9l6.5 -6.5"/></svg><span class="visually-hidden">{1}</span> {2}</span>'
)


@dataclass(frozen=True, kw_only=True)
class _Files(Field):
    category: ClassVar[str] = "file"
    kind: ClassVar[str] = "files"
    operators: ClassVar[tuple[Operator, ...]] = operators.FILLED
    multiple: ClassVar[bool] = True
    sortable: ClassVar[bool] = False

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of file accepted; empty: all."""
        return ()

    @property
    def most(self) -> int:
        """How many files it may have."""
        return 1

    @property
    def largest(self) -> int:
        """Bytes one file may have."""
        return 20 * 1024 * 1024

    def column_type(self) -> TypeEngine[Any]:
        return Ids()

    def parse(self, raw: Any, reader: Reader) -> tuple[int, ...] | None:
        """Ids of files already uploaded; that they are there and may be used is for the walk to say."""
        ids = record_ids(self, raw, 1000)
        return None if ids is None else self.check(ids)

    def check(self, value: Any) -> Any:
        if len(value) > self.most:
            raise self.wrong("{label} takes at most {limit}; got {count}.", limit=self.most, count=len(value))
        return value

    def check_file(self, name: str, size: int) -> None:
        """Before a file is taken: its kind by its name, and its size; raises Invalid."""
        suffix = name[name.rfind(".") :].lower() if "." in name else ""
        allowed = [ending for kind in self.kinds for ending in KINDS[kind] if ending.startswith(".")]
        if allowed and suffix not in allowed:
            raise self.wrong("{label} takes {kinds}; got “{got}”.", kinds=", ".join(self.kinds), got=name)
        if size > self.largest:
            raise self.wrong(
                "{label} takes files of at most {limit} MB; “{got}” has {size} MB.",
                limit=self.largest // (1024 * 1024), got=name, size=f"{size / (1024 * 1024):.1f}",
            )  # fmt: skip

    def check_content(self, name: str, media_type: str) -> None:
        """After a file was taken: what it holds against its name, where only some kinds are taken; raises Invalid."""
        expected = _HOLDS.get(name[name.rfind(".") :].lower()) if self.kinds and "." in name else None
        if expected and not media_type.startswith(expected):
            raise self.wrong("{label}: “{got}” does not hold what its name says.", got=name)

    def dump(self, value: Any) -> Any:
        return None if value is None else list(value)

    def text(self, value: Any, reader: Reader) -> str:
        return ",".join(map(str, value or ()))

    def format(self, value: Any, reader: Reader, extra: Any = None) -> str:
        return ", ".join(title_of(one, extra) for one in value or ())

    def cell(self, value: Any, reader: Reader, extra: Any = None) -> Markup:
        if not value:
            return Markup("")
        names = self.format(value, reader, extra)
        return _CLIP.format(names, names, len(value))

    def value_schema(self) -> Mapping[str, Any]:
        items = {"type": "integer", "minimum": 1, "description": "The id of an uploaded file."}
        return {"type": "array", "items": items, "minItems": 1, "maxItems": self.most, "uniqueItems": True}

    def html_attributes(self) -> Mapping[str, str]:
        accept = ",".join(ending for kind in self.kinds for ending in KINDS[kind])
        return {
            **({"accept": accept} if accept else {}),
            "data-most": str(self.most),
            "data-largest": str(self.largest),
        }


@dataclass(frozen=True, kw_only=True)
class AttachmentField(_Files):
    """Files, such as documents and drawings."""

    type: ClassVar[str] = "attachment"
    icon: ClassVar[str] = "paperclip"
    widget: ClassVar[str] = "attachment"

    accept: tuple[Kind, ...] = option("The kinds of file it takes. Empty: all.", ())
    max_count: int = option("The most files.", 10, minimum=1, maximum=100)
    max_size: int = option("The most megabytes of one file.", 20, minimum=1, maximum=500)

    @property
    def kinds(self) -> tuple[str, ...]:
        return self.accept

    @property
    def most(self) -> int:
        return self.max_count

    @property
    def largest(self) -> int:
        return self.max_size * 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class ImageField(_Files):
    """Pictures, taken with the phone's camera or chosen."""

    type: ClassVar[str] = "image"
    icon: ClassVar[str] = "camera"
    widget: ClassVar[str] = "image"

    camera: bool = option("On phones, open the camera at once.", False)
    max_count: int = option("The most pictures.", 5, minimum=1, maximum=50)
    max_size: int = option("The most megabytes of one picture.", 20, minimum=1, maximum=100)

    @property
    def kinds(self) -> tuple[str, ...]:
        return ("image",)

    @property
    def most(self) -> int:
        return self.max_count

    @property
    def largest(self) -> int:
        return self.max_size * 1024 * 1024

    def html_attributes(self) -> Mapping[str, str]:
        camera = {"capture": "environment"} if self.camera else {}
        return {**super().html_attributes(), "accept": "image/*", "data-shrink": "1600", **camera}


@dataclass(frozen=True, kw_only=True)
class SignatureField(_Files):
    """A signature drawn with finger or mouse."""

    type: ClassVar[str] = "signature"
    icon: ClassVar[str] = "signature"
    widget: ClassVar[str] = "signature"

    @property
    def kinds(self) -> tuple[str, ...]:
        return ("image",)

    @property
    def largest(self) -> int:
        return 1024 * 1024
