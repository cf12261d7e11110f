"""Pictures as they are stored: upright, without EXIF, never more pixels than can be handled."""

from __future__ import annotations

import io
import warnings

from PIL import Image, ImageOps

from engine.errors import Invalid, message

MOST_PIXELS = 50_000_000
_FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/gif": "GIF", "image/webp": "WEBP"}
_OPTIONS: dict[str, dict[str, object]] = {
    "PNG": {"optimize": False},
    "JPEG": {"quality": 88, "optimize": True},
    "GIF": {},
    "WEBP": {"quality": 88},
}


def clean_picture(content: bytes, media_type: str) -> tuple[bytes, int, int]:
    """(the picture re-encoded in its own format, width, height); raises Invalid when it is none or too large."""
    kind = _FORMATS[media_type]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow warns of large pictures; the limit here is ours
            with Image.open(io.BytesIO(content), formats=(kind,)) as picture:
                return _encoded(picture, kind)
    except Invalid:
        raise
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        raise Invalid(message("The picture cannot be read; it may be damaged.")) from error


def _encoded(picture: Image.Image, kind: str) -> tuple[bytes, int, int]:
    if picture.width * picture.height > MOST_PIXELS:
        raise Invalid(
            message(
                "The picture has {got} million pixels; at most {most} million are taken.",
                got=round(picture.width * picture.height / 1_000_000),
                most=MOST_PIXELS // 1_000_000,
            )
        )
    upright = ImageOps.exif_transpose(picture)
    if kind == "JPEG" and upright.mode not in ("RGB", "L"):
        upright = upright.convert("RGB")
    bare = Image.new(upright.mode, upright.size)
    if upright.mode == "P" and (palette := upright.getpalette()):
        bare.putpalette(palette)
    bare.paste(upright)
    transparency = upright.info.get("transparency")
    options = dict(_OPTIONS[kind]) | ({"transparency": transparency} if transparency is not None else {})
    stored = io.BytesIO()
    bare.save(stored, kind, **options)
    return stored.getvalue(), bare.width, bare.height
