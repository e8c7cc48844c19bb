"""Lists in pages."""

from kith.errors import NotFound
from services.runtime.pages import still_there


def test_what_is_deleted_meanwhile_is_left_out_of_a_list() -> None:
    def read(key: str) -> str:
        if key == "gone":
            raise NotFound("it is gone", reason="RESOURCE_NOT_FOUND")
        return key.upper()

    assert list(still_there(read, ["bo", "gone", "mia"])) == ["BO", "MIA"]
