"""The closed colour words and the few colour operations drawing needs.

A colour is three integers from 0 to 255. The twelve words are far apart in hue or in lightness,
so that a word always fits what is seen, also under warm or cold light.
"""

import colorsys
from types import MappingProxyType

Rgb = tuple[int, int, int]

PALETTE = MappingProxyType(
    {
        "red": (212, 52, 48),
        "orange": (243, 138, 38),
        "yellow": (250, 212, 66),
        "green": (84, 166, 74),
        "teal": (30, 172, 168),
        "blue": (46, 98, 208),
        "purple": (132, 78, 186),
        "pink": (247, 152, 190),
        "brown": (130, 82, 50),
        "white": (248, 245, 238),
        "grey": (148, 152, 158),
        "black": (46, 44, 54),
    }
)
COLORS: tuple[str, ...] = tuple(PALETTE)

INK: Rgb = (44, 38, 48)
GOLD: Rgb = (246, 196, 62)
CREAM: Rgb = (253, 246, 230)


def shift(word: str, jitter: float) -> Rgb:
    """The colour of a word, moved a little in hue and lightness.

    Args:
        word: one of `COLORS`.
        jitter: from 0 to 1; 0.5 leaves the colour where it is.
    """
    red, green, blue = (part / 255 for part in PALETTE[word])
    hue, light, rich = colorsys.rgb_to_hls(red, green, blue)
    turn = jitter - 0.5
    moved = colorsys.hls_to_rgb((hue + 0.026 * turn) % 1, light * (1 - 0.1 * turn), rich)
    return _rgb(*moved)


def lighter(color: Rgb, share: float) -> Rgb:
    """The colour mixed with white; a share of 0 leaves it, 1 gives white."""
    return mix(color, (255, 255, 255), share)


def darker(color: Rgb, share: float) -> Rgb:
    """The colour mixed with a deep violet, which keeps shadows alive."""
    return mix(color, (28, 18, 48), share)


def mix(one: Rgb, other: Rgb, share: float) -> Rgb:
    """A straight blend: a share of 0 gives `one`, 1 gives `other`."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(one, other, strict=True))
    return red, green, blue


def argb(color: Rgb, alpha: float = 1.0) -> int:
    """The colour as skia's 32-bit number."""
    red, green, blue = color
    return (round(255 * alpha) << 24) | (red << 16) | (green << 8) | blue


def _rgb(red: float, green: float, blue: float) -> Rgb:
    return tuple(min(255, max(0, round(255 * part))) for part in (red, green, blue))  # type: ignore[return-value]
