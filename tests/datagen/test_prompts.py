import pytest

from datagen.prompts import fill, is_role, roles_in


@pytest.mark.parametrize(
    ("prompt", "roles", "nouns", "said"),
    [
        (
            "portrait of {person} cuddling {pet} in a cozy living room.",
            ["person", "pet"],
            ["man", "old dog"],
            "portrait of a man cuddling an old dog in a cozy living room.",
        ),
        (
            "{scene}, where {object} sits next to {living}.",
            ["scene", "object", "living"],
            ["barn", "clock", "cat"],
            "A barn, where a clock sits next to a cat.",
        ),
        (
            "{object} and {object} in a stunning {scene}.",
            ["object", "object", "scene"],
            ["clock", "vase", "forest"],
            "A clock and a vase in a stunning forest.",
        ),
        ("a pair of {concept} on a bed", ["concept"], ["trousers"], "a pair of trousers on a bed"),
        ("a well-worn {concept}", ["concept"], ["hat"], "a well-worn hat"),
        ("a man in {downwearing}", ["downwearing"], ["jeans"], "a man in jeans"),
        ("a man on {thing}", ["thing"], ["bus"], "a man on a bus"),
    ],
)
def test_nouns_get_an_article_where_english_wants_one(
    prompt: str, roles: list[str], nouns: list[str], said: str
) -> None:
    assert fill(prompt, roles, nouns) == said


def test_a_prompt_taken_as_written_gets_no_article() -> None:
    prompt = "a {living} and {object} in the snow"
    assert fill(prompt, ["living", "object"], ["dog", "vase"], articles=False) == (
        "a dog and vase in the snow"
    )


def test_what_is_checked_is_what_is_filled() -> None:
    assert roles_in("{pet} and {person1} with {pet}") == ["pet", "person1", "pet"]
    assert [is_role(name) for name in ("person1", "the person", "a}{b", "")] == [True] + [False] * 3


@pytest.mark.parametrize(
    "prompt", ["{pet!r}", "{pet:>9}", "{{pet}} {pet}", "{the pet}", "{}", "{pet", "pet}", "{pet.x}"]
)
def test_a_brace_of_no_placeholder_is_refused(prompt: str) -> None:
    with pytest.raises(ValueError, match="a brace belongs to no placeholder"):
        roles_in(prompt)
