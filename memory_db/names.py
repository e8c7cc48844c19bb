"""User text is data: what a name, a category and a description may hold, and safe folder names.

Names end up in prompts as `<name>`, beside the special tokens of a template, and in lists that
people compare by eye. So nothing invisible survives, and no name can become `<image>` or `</s>`.
"""

import hashlib
import re
import unicodedata

from kith.errors import InvalidInput

MAX_NAME_CHARS = 64
MAX_CATEGORY_CHARS = 64
MAX_DESCRIPTION_CHARS = 2000

# In angle brackets these are special tokens of some template.
_RESERVED_NAMES = frozenset(
    ("image", "video", "audio", "s", "unk", "pad", "bos", "eos", "mask", "im_start", "im_end")
)

# Not of a control or format category, and yet nothing to see: grapheme joiner, Hangul fillers,
# Mongolian and other variation selectors, the braille blank.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)


def clean_text(text: str) -> str:
    """One line of visible characters in NFC: no controls, no bidi, no zero-width, single spaces."""
    visible = "".join(
        " " if char.isspace() else char
        for char in _INVISIBLE.sub("", text)
        if char.isspace() or unicodedata.category(char) not in ("Cc", "Cf", "Cs")
    )
    return " ".join(unicodedata.normalize("NFC", visible).split())


def clean_name(name: str) -> str:
    """A display name as it is stored and compared; `<bo>` is read as `bo`.

    Raises:
        InvalidInput: Nothing visible is left, it is too long, it holds `<`, `>` or `|`, or it
            would read as a special token of a prompt template.
    """
    cleaned = clean_text(name)
    if cleaned.startswith("<") and cleaned.endswith(">"):
        cleaned = cleaned[1:-1].strip()
    if not cleaned:
        raise _invalid("display_name", "is empty; give the concept a name")
    if re.search(r"[<>|]", cleaned):
        raise _invalid("display_name", f"{cleaned[:80]!r} holds '<', '>' or '|'; leave them out")
    if cleaned.startswith("/") or cleaned.casefold() in _RESERVED_NAMES:
        raise _invalid("display_name", f"{cleaned[:80]!r} is a reserved word; choose another name")
    return _capped("display_name", cleaned, MAX_NAME_CHARS)


def clean_category(category: str) -> str:
    """A category in lower case, as detectors know their words; may be empty.

    Raises:
        InvalidInput: It is too long or holds `<`, `>` or `|`.
    """
    cleaned = clean_text(category).lower()
    if re.search(r"[<>|]", cleaned):
        raise _invalid("category", f"{cleaned[:80]!r} holds '<', '>' or '|'; leave them out")
    return _capped("category", cleaned, MAX_CATEGORY_CHARS)


def clean_description(description: str) -> str:
    """A description on one line; may be empty, and may name concepts as `<bo>`.

    Raises:
        InvalidInput: It is too long.
    """
    return _capped("description", clean_text(description), MAX_DESCRIPTION_CHARS)


def folder_name(text: str) -> str:
    """A folder name for any user or model name: safe on every file system, never shared.

    The readable front is for people; the hash behind it keeps `Bo`, `bo` and `b/o` apart.
    """
    readable = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:32]
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{readable}-{digest}" if readable else digest


def _capped(field: str, text: str, limit: int) -> str:
    if len(text) > limit:
        raise _invalid(field, f"has {len(text)} characters, at most {limit} are kept; shorten it")
    return text


def _invalid(field: str, problem: str) -> InvalidInput:
    return InvalidInput(f"{field} {problem}", reason="TEXT_INVALID", field=field)
