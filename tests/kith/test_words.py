from kith.words import counted


def test_a_noun_is_in_the_number_that_is_counted() -> None:
    assert [counted(number, "picture") for number in (0, 1, 2)] == [
        *("0 pictures", "1 picture", "2 pictures")
    ]
