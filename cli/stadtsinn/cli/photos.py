"""Photos of labels: the codes on a picture. The only place that knows the libraries for both."""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from stadtsinn.base.bounded_files import MEGABYTE, read_whole
from stadtsinn.base.sentence import Unusable

if TYPE_CHECKING:
    from PIL import Image

_KINDS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")
"""What a camera or a scanner makes. Pillow knows others, some of which start programs."""
_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif", ".heic", ".heif"}
)
_HEIC = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1", b"avif")
_MOST_BYTES = 64 * MEGABYTE
_MOST_PIXELS = 60_000_000
"""In memory, one byte each. A larger JPEG is read at half its size or less."""
_ENOUGH = (4_000, 4_000)
_LEAST = 10
"""Pixels of a side: no code is smaller."""
_MOST_PHOTOS = 100_000


def photos_of(paths: Sequence[Path]) -> list[Path]:
    """The files among them, and all pictures in the folders among them, in the order of names.

    Raises OSError, and Unusable for a folder without any.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            path.stat()
            found.append(path)
            continue
        within = sorted(_pictures(path))
        if not within:
            raise Unusable(
                f"{path}: no photos in this folder (JPEG, PNG, WebP, TIFF)",
                f"{path}: keine Fotos in diesem Ordner (JPEG, PNG, WebP, TIFF)",
            )
        found += within
    if len(found) > _MOST_PHOTOS:
        raise Unusable(
            f"more than {_MOST_PHOTOS} photos: name a folder with fewer",
            f"mehr als {_MOST_PHOTOS} Fotos: einen Ordner mit weniger nennen",
        )
    return found


def _pictures(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [one for one in folders if not one.startswith(".")]
        for name in names:
            if not name.startswith(".") and Path(name).suffix.lower() in _SUFFIXES:
                yield Path(place, name)


def codes_on(path: Path) -> list[str]:
    """The text of each QR, Data Matrix and Aztec code on a photo, each once.

    Raises Unusable for what is no usable photo, OSError.
    """
    content = read_whole(path, _MOST_BYTES)
    if content[4:8] == b"ftyp" and content[8:12] in _HEIC:
        raise Unusable(
            "a photo as HEIC, which only Apple reads: on the phone choose Settings, Camera, "
            "Formats, 'Most Compatible', or save the photo as JPEG",
            "ein Foto als HEIC, das nur Apple liest: am Telefon unter Einstellungen, Kamera, "
            "Formate 'Maximale Kompatibilität' wählen, oder das Foto als JPEG speichern",
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of large pictures: the bound is our own
        picture = _picture(content)
    return _codes(picture)


def _picture(content: bytes) -> Image.Image:
    """In shades of grey."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(content), formats=_KINDS) as opened:
            opened.draft("L", _ENOUGH)
            if opened.width * opened.height > _MOST_PIXELS:
                raise _too_large()
            return opened.convert("L")
    except Image.DecompressionBombError:
        raise _too_large() from None
    except UnidentifiedImageError:
        raise Unusable(
            "no photo (JPEG, PNG, WebP, TIFF), or one that is damaged",
            "kein Foto (JPEG, PNG, WebP, TIFF), oder ein beschädigtes",
        ) from None
    # What Pillow's decoders raise for what is cut off or damaged on purpose.
    except (OSError, SyntaxError, EOFError, ValueError, OverflowError, IndexError) as error:
        if isinstance(error, Unusable):
            raise
        raise Unusable(
            "the photo is cut off or damaged: copy it from the phone again",
            "das Foto ist abgeschnitten oder beschädigt: noch einmal vom Telefon kopieren",
        ) from None


def _too_large() -> Unusable:
    return Unusable(
        f"the picture has more than {_MOST_PIXELS // 1_000_000} million pixels: save it smaller, "
        "or as JPEG",
        f"das Bild hat mehr als {_MOST_PIXELS // 1_000_000} Millionen Bildpunkte: kleiner oder als "
        "JPEG speichern",
    )


def _codes(picture: Image.Image) -> list[str]:
    """A photo that is large, pale or blurred shows its codes better when it is made smaller and its
    contrast is stretched."""
    from PIL import ImageOps

    if found := _seen(picture):
        return found
    contrast = ImageOps.autocontrast(picture, cutoff=1)
    if found := _seen(contrast):
        return found
    for part in (2, 3):
        if found := _seen(contrast.reduce(part)):
            return found
    return []


def _seen(picture: Image.Image) -> list[str]:
    import zxingcpp

    if min(picture.size) < _LEAST:
        return []
    kinds = zxingcpp.barcode_formats_from_str("QRCode,MicroQRCode,DataMatrix,Aztec")
    found = zxingcpp.read_barcodes(picture, formats=kinds, text_mode=zxingcpp.TextMode.Plain)
    return list(dict.fromkeys(one.text for one in found if one.text))
