"""The body that a tile service sends, as pixels: only pictures are believed, and only those that show something."""

from __future__ import annotations

import io

import numpy as np

BANDS = 3
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")
_SIGNATURES = ((0, b"\x89PNG\r\n\x1a\n"), (0, b"\xff\xd8\xff"), (8, b"WEBP"), (0, b"GIF8"))
_EIGHT_BIT = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBa", "La", "CMYK", "YCbCr", "RGBX"})
_OPAQUE = 128  # alpha from here on is ground; below, more of the pixel is nothing
_DOT_PX = 4  # services answer with a picture of one pixel where they have nothing


def is_picture(body: bytes) -> bool:
    """Whether a body begins as a PNG, JPEG, WebP or GIF does; pages and messages do not."""
    return any(body[at : at + len(mark)] == mark for at, mark in _SIGNATURES)


def pixels(body: bytes, tile_px: int) -> tuple[np.ndarray | None, str]:
    """Float32 (3, tile_px, tile_px) red, green, blue of 0..255, NaN where transparent; or None and why it shows nothing.

    Palettes are resolved and grey is given as three equal bands. ValueError for what is no picture, is cut short, is of
    another size or deeper than 8 bit.
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(body), formats=_FORMATS) as image:
            if max(image.size) <= _DOT_PX:
                return None, "a dot in place of a picture"
            if image.size != (tile_px, tile_px):
                raise ValueError(
                    f"is {image.size[0]} x {image.size[1]} px, not {tile_px} x {tile_px}; set tile_px of the source"
                )
            if image.mode not in _EIGHT_BIT:
                raise ValueError(f"is a picture of mode {image.mode}; only 8-bit pictures are read")
            rgba = np.asarray(image.convert("RGBA"))
    except ValueError:
        raise
    except (OSError, SyntaxError, Image.DecompressionBombError) as error:  # Pillow's words for broken pictures
        raise ValueError(f"cannot be decoded ({type(error).__name__})") from None
    colour, observed = rgba[..., :BANDS], rgba[..., BANDS] >= _OPAQUE
    if not observed.any():
        return None, "a transparent picture"
    seen = colour[observed]
    if (seen == seen[0]).all():
        return None, "a picture of one colour"
    out = np.moveaxis(colour, -1, 0).astype(np.float32)
    out[:, ~observed] = np.nan
    return out, ""
