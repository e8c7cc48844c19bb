"""A run's folder: one run, one worker a share."""

from pathlib import Path
from typing import Any

import pytest

from evaluation import folder
from evaluation.places import Places
from kith.errors import Refused

NOWHERE = Places({})
TOLD = {"settings": {"methods": ["kith"]}}


def model(fingerprint: str) -> dict[str, Any]:
    return {"models": [{"stage": "embedding", "name": "clip", "fingerprint": fingerprint}]}


MODEL_A = model("a")


def is_refused(out: Path, shard: tuple[int, int]) -> bool:
    try:
        with folder.held(out, shard):
            return False
    except Refused as error:
        return "kith evaluate is at work" in str(error)


def test_a_folder_is_held_by_one_worker_or_by_shares(tmp_path: Path) -> None:
    with folder.held(tmp_path, (0, 1)):
        for shard in ((0, 1), (0, 2)):
            assert is_refused(tmp_path, shard)
    with folder.held(tmp_path, (0, 2)), folder.held(tmp_path, (1, 2)):
        for shard in ((0, 1), (1, 2)):
            assert is_refused(tmp_path, shard)
    with folder.held(tmp_path, (0, 1)):
        pass


def test_another_plan_is_refused_and_the_difference_named(tmp_path: Path) -> None:
    told = {"settings": {"seed": 0, "methods": ["kith"]}, "parts": {"a": 1}}
    folder.lay_down(tmp_path, told, NOWHERE)
    folder.lay_down(tmp_path, told, NOWHERE)
    other = {"settings": {"seed": 1, "methods": ["kith"]}, "parts": {"a": 1}}
    with pytest.raises(Refused, match=r"another run: settings\.seed was 0 and is 1; name another"):
        folder.lay_down(tmp_path, other, NOWHERE)
    with pytest.raises(Refused, match=r"parts\.b was nothing and is 2"):
        folder.lay_down(tmp_path, {**told, "parts": {"a": 1, "b": 2}}, NOWHERE)


def test_further_methods_join_and_none_is_taken_away(tmp_path: Path) -> None:
    folder.lay_down(tmp_path, TOLD, NOWHERE)
    folder.introduce(tmp_path, "kith", MODEL_A, "1")
    folder.lay_down(tmp_path, {"settings": {"methods": ["rap", "kith"]}}, NOWHERE)
    assert folder.settings(tmp_path) == {"methods": ["rap", "kith"]}
    assert folder.introduced(tmp_path) == {"kith": MODEL_A}
    for fewer in (["kith"], ["rap", "none"]):
        with pytest.raises(Refused, match=r"settings\.methods was \[\"rap\", \"kith\"\] and is"):
            folder.lay_down(tmp_path, {"settings": {"methods": fewer}}, NOWHERE)


def test_another_model_is_refused(tmp_path: Path) -> None:
    folder.lay_down(tmp_path, TOLD, NOWHERE)
    folder.introduce(tmp_path, "kith", {"models": tuple(MODEL_A["models"])}, "1")
    folder.introduce(tmp_path, "kith", MODEL_A, "1")
    with pytest.raises(Refused, match=r'kith.models.0.fingerprint was "a" and is "b"'):
        folder.introduce(tmp_path, "kith", model("b"), "1")
    assert folder.introduced(tmp_path) == {"kith": MODEL_A}
    folder.lay_down(tmp_path, TOLD, NOWHERE)


@pytest.mark.parametrize(("first", "then"), [("", "a"), ("a", "")])
def test_a_model_that_is_away_is_no_other_model(tmp_path: Path, first: str, then: str) -> None:
    folder.lay_down(tmp_path, TOLD, NOWHERE)
    for fingerprint in (first, then, first):
        form = folder.introduce(tmp_path, "kith", model(fingerprint), "1")
        assert form == folder.introduced(tmp_path)["kith"] == model(first)


def test_every_revision_under_which_was_asked_is_kept(tmp_path: Path) -> None:
    assert folder.revisions(tmp_path) == []
    for revision in ("1", "2", "1"):
        folder.lay_down(tmp_path, TOLD, NOWHERE)
        folder.introduce(tmp_path, "kith", MODEL_A, revision)
    assert folder.revisions(tmp_path) == ["1", "2"]
