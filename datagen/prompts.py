"""Prompts: the nouns of a picture's subjects put into a layout's words."""

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
_BARE_AFTER: Final = frozenset(
    (
        *("a", "an", "the", "chic", "comfortable", "cozy", "designer", "elegant", "fashionable"),
        *("folded", "high-quality", "resting", "stunning", "stylish", "trendy", "vintage"),
        *("well-worn", "of"),
    )
)
"""Words after which a noun stands bare; after "of" only in "pair of"."""


def fill(prompt: str, roles: Sequence[str], nouns: Sequence[str], articles: bool = True) -> str:
    """The prompt with a noun in place of each placeholder.

    >>> fill("{pet} in a stunning {scene}.", ["scene", "pet"], ["barn", "old dog"])
    'An old dog in a stunning barn.'

    Args:
        prompt: Words with placeholders as in `{pet}`.
        roles: The placeholder of each subject; one that is there several times takes its nouns
            in order.
        nouns: What each subject is called: a class word.
        articles: Put "a" or "an" before a noun where the prompt has neither article nor adjective.
    """
    waiting = defaultdict(list)
    for role, noun in zip(roles, nouns, strict=True):
        waiting[role].append(noun)

    def put(found: re.Match[str]) -> str:
        noun = waiting[found[1]].pop(0)
        before = prompt[: found.start()]
        words = f"{_article(noun)}{noun}" if articles and not _stands_bare(before) else noun
        return words[:1].upper() + words[1:] if not before and articles else words

    return _PLACEHOLDER.sub(put, prompt)


def roles_in(prompt: str) -> list[str]:
    """The placeholders of a prompt, in order.

    Raises:
        ValueError: A brace that belongs to none.
    """
    if set(_PLACEHOLDER.sub("", prompt)) & set("{}"):
        raise ValueError("a brace belongs to no placeholder such as {pet}")
    return _PLACEHOLDER.findall(prompt)


def is_role(name: str) -> bool:
    """Whether a placeholder can have this name: letters, digits and underscores."""
    return _PLACEHOLDER.fullmatch(f"{{{name}}}") is not None


def _stands_bare(before: str) -> bool:
    words = before.split()
    if not before.endswith(" ") or not words or words[-1] not in _BARE_AFTER:
        return False
    return words[-1] != "of" or words[-2:-1] == ["pair"]


def _article(noun: str) -> str:
    """The article with its space, or nothing: trousers and jeans have none."""
    if noun.endswith("s") and not noun.endswith(("ss", "us")):
        return ""
    return "an " if noun[0] in "aeiouAEIOU" else "a "
