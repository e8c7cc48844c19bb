"""The closed words of Playroom: what there is, and what can be said about it."""

from collections.abc import Mapping
from types import MappingProxyType

_MEMBERS = {
    "person": ("person",),
    "pet": ("dog", "cat"),
    "character": ("cartoon character",),
    "landmark": ("landmark",),
    "object": (
        "plush toy",
        "cup",
        "shoe",
        "backpack",
        "teapot",
        "lantern",
        "clock",
        "vase",
        "can",
        "ball",
        "toy car",
        "bottle",
    ),
    "scene": ("mountain", "waterfall", "forest", "barn"),
    "wear": ("hat", "shirt", "trousers", "dress"),
}

GROUPS: Mapping[str, str] = MappingProxyType(
    {category: group for group, members in _MEMBERS.items() for category in members}
)
CATEGORIES: tuple[str, ...] = tuple(GROUPS)

PATTERNS: tuple[str, ...] = ("plain", "striped", "spotted", "checked", "starry")
PATTERN_NOUNS: Mapping[str, str] = MappingProxyType(
    {"striped": "stripes", "spotted": "spots", "checked": "checks", "starry": "stars"}
)
BUILDS: tuple[str, ...] = ("slim", "round", "sturdy")

ACCESSORIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "person": ("none", "glasses", "red scarf", "yellow bag"),
        "pet": ("none", "red collar", "blue scarf", "yellow bow"),
        "character": ("none", "horns", "crown", "bow tie"),
        "landmark": ("none", "red flag", "clock face", "gold star"),
        "object": ("none", "red ribbon", "gold star", "smiling face"),
        "scene": ("none", "rainbow", "red balloon", "white moon"),
        "wear": ("none", "gold buttons", "red heart", "white feather"),
    }
)

ACTIONS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "person": ("standing", "sitting", "jumping", "waving"),
        "pet": ("standing", "sitting", "jumping", "lying"),
        "character": ("standing", "sitting", "jumping", "waving"),
        "landmark": ("standing",),
        "object": ("standing", "tilted"),
        "scene": ("standing",),
        "wear": ("lying", "worn"),
    }
)
FACINGS: tuple[str, ...] = ("left", "right")
WEARERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "person": ("hat", "shirt", "trousers", "dress"),
        "pet": ("hat", "shirt"),
        "character": ("hat", "shirt"),
    }
)

# What carries the second colour when there is no pattern to carry it.
SECOND_PARTS: Mapping[str, str] = MappingProxyType(
    {
        "person": "trousers",
        "dog": "ears",
        "cat": "ears",
        "cartoon character": "belly",
        "landmark": "roof",
        "plush toy": "belly",
        "cup": "handle",
        "shoe": "sole",
        "backpack": "pocket",
        "teapot": "lid",
        "lantern": "top",
        "clock": "bells",
        "vase": "rim",
        "can": "label",
        "ball": "band",
        "toy car": "wheels",
        "bottle": "cap",
        "mountain": "peak",
        "waterfall": "water",
        "forest": "trunks",
        "barn": "roof",
        "hat": "band",
        "shirt": "collar",
        "trousers": "belt",
        "dress": "belt",
    }
)
UNCOUNTED: frozenset[str] = frozenset(
    {"trousers", "ears", "bells", "wheels", "water", "trunks", "glasses", "horns", "gold buttons"}
)


def noun_phrase(words: str) -> str:
    """The words with "a" or "an" before them, or bare where English wants none."""
    last = words.split()[-1]
    if words in UNCOUNTED or last in UNCOUNTED:
        return words
    return f"{'an' if words[0] in 'aeiou' else 'a'} {words}"


def plural(category: str) -> str:
    """The category word for several of a kind."""
    irregular = {"person": "people", "trousers": "pairs of trousers"}
    if category in irregular:
        return irregular[category]
    return category + ("es" if category.endswith(("s", "ch")) else "s")
