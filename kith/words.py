"""Words that hang on a number."""


def counted(number: int, noun: str) -> str:
    """A number and its noun: "1 picture", "2 pictures". The noun takes an "s"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"
