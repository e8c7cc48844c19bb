"""Artefacts come back as they were saved, or are refused with the reason."""

from pathlib import Path

import pytest
import torch

from kith.errors import Refused
from services.baselines import published
from services.baselines.artefacts import Artefact, Header, load, misfit
from services.baselines.tokens import Rows


@pytest.fixture
def artefact() -> Artefact:
    header = Header("yollava-s", "f" * 64, ("<bo>", "<token0>"), {"epochs": 15}, "d" * 64, ("v1",))
    return Artefact(header, {"read": torch.randn(2, 6), "written": torch.randn(2, 6)})


def test_it_comes_back_as_it_was(artefact: Artefact, tmp_path: Path) -> None:
    path = tmp_path / "user" / "c1.safetensors"
    artefact.save(path)
    again = load(path, "yollava-s", "f" * 64)
    assert again.header == artefact.header
    assert torch.equal(again.rows.read, artefact.rows.read)
    assert torch.equal(again.rows.written, artefact.rows.written)
    assert [file.name for file in path.parent.iterdir()] == ["c1.safetensors"]


def test_a_wrong_base_model_is_refused(artefact: Artefact, tmp_path: Path) -> None:
    artefact.save(tmp_path / "a.safetensors")
    with pytest.raises(Refused, match="train the concept again") as refused:
        load(tmp_path / "a.safetensors", "yollava-s", "0" * 64)
    assert refused.value.reason == "BASE_MODEL_DIFFERS"


def test_another_method_is_refused(artefact: Artefact, tmp_path: Path) -> None:
    artefact.save(tmp_path / "a.safetensors")
    with pytest.raises(Refused, match="this service runs myvlm"):
        load(tmp_path / "a.safetensors", "myvlm", "f" * 64)


@pytest.mark.parametrize("damage", [b"", b"rubbish" * 40, None])
def test_a_damaged_file_is_refused(
    artefact: Artefact, tmp_path: Path, damage: bytes | None
) -> None:
    path = tmp_path / "a.safetensors"
    artefact.save(path)
    path.write_bytes(path.read_bytes()[:-9] if damage is None else damage)
    with pytest.raises(Refused, match="can't be read"):
        load(path, "yollava-s", "f" * 64)


def test_published_files_come_back_in_half_precision(artefact: Artefact, tmp_path: Path) -> None:
    published.write_rows(artefact.rows, tmp_path, "14")
    assert {file.name for file in tmp_path.iterdir()} == {"14-token.pt", "14-lmhead.pt"}
    bare = torch.load(tmp_path / "14-token.pt", weights_only=True)
    assert bare.shape == (2, 6)
    assert bare.dtype == torch.float16
    rows = published.read_rows(tmp_path, "14", width=6)
    assert torch.allclose(rows.read, artefact.rows.read, atol=2e-3)


def test_published_files_that_are_no_tensors_are_never_run(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "ran",))

    torch.save(Bomb(), tmp_path / "best-token.pt")
    torch.save(torch.zeros(2, 6), tmp_path / "best-lmhead.pt")
    with pytest.raises(Refused, match="not a plain tensor"):
        published.read_rows(tmp_path, "best", width=6)
    assert not (tmp_path / "ran").exists()


def test_published_files_of_another_width_are_refused(tmp_path: Path) -> None:
    published.write_rows(Rows(torch.zeros(17, 5120), torch.zeros(17, 5120)), tmp_path, "best")
    with pytest.raises(Refused, match=r"\[17, 5120\] is not \[k \+ 1, 256\]"):
        published.read_rows(tmp_path, "best", width=256)
    with pytest.raises(Refused, match="no such file"):
        published.read_rows(tmp_path, "3", width=256)


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ({"written": torch.zeros(2, 6)}, "'read' is missing"),
        ({"read": torch.zeros(3, 6), "written": torch.zeros(2, 6)}, r"\[3, 6\] and not \[2, 6\]"),
        ({"read": torch.zeros(2, 5), "written": torch.zeros(2, 6)}, r"\[2, 5\] and not \[2, 6\]"),
        ({"read": torch.zeros(12), "written": torch.zeros(2, 6)}, r"\[12\] and not \[2, 6\]"),
        ({"read": torch.zeros(2, 6).int(), "written": torch.zeros(2, 6)}, "int32"),
        ({"read": torch.full((2, 6), float("nan")), "written": torch.zeros(2, 6)}, "nan"),
    ],
)
def test_tensors_that_no_model_can_read_are_refused(
    artefact: Artefact, tmp_path: Path, tensors: dict[str, torch.Tensor], said: str
) -> None:
    shapes = {"read": (2, 6), "written": (2, 6)}
    artefact.save(tmp_path / "a.safetensors")
    load(tmp_path / "a.safetensors", "yollava-s", "f" * 64, shapes)
    Artefact(artefact.header, tensors).save(tmp_path / "a.safetensors")
    with pytest.raises(Refused, match=f"{said}.*; train the concept again") as refused:
        load(tmp_path / "a.safetensors", "yollava-s", "f" * 64, shapes)
    assert (refused.value.status, refused.value.reason) == (
        "FAILED_PRECONDITION",
        "ARTEFACT_DAMAGED",
    )


def test_any_number_of_patches_will_do_but_none() -> None:
    shapes = {"patches": (None, 4)}
    assert misfit({"patches": torch.zeros(7, 4)}, shapes) == ""
    assert "is [0, 4] and not [n, 4]" in misfit({"patches": torch.zeros(0, 4)}, shapes)
    assert misfit({"written": torch.zeros(0, 4)}, {"written": (0, 4)}) == ""
