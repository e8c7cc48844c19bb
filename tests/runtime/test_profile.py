"""Profiles are data, and every path in them is found without loading a model."""

import subprocess
import sys
from pathlib import Path

import pytest

from kith.errors import InvalidInput, Refused
from services.runtime.profile import Profile


def test_the_pocket_profile_finds_the_weights_that_ship_with_kith() -> None:
    profile = Profile.load("pocket")
    assert profile.device == "cpu"
    assert profile.detector_text is None
    for path in (profile.detector.weights, profile.embedder.weights, profile.generator.directory):
        assert path.is_absolute()
        assert path.parts[-4 if path.suffix else -3 :][0] == "pocket"


def test_the_full_profile_resolves_under_the_folder_that_is_given(tmp_path: Path) -> None:
    profile = Profile.load("full", tmp_path)
    assert profile.detector.open_vocabulary
    assert profile.detector_text is not None
    assert profile.detector_text.dim == 512, "what YOLO-World's head was trained on"
    assert profile.embedder.dim == 768
    for path in (profile.embedder.config, profile.detector.weights, profile.generator.directory):
        assert path.is_relative_to(tmp_path)


def test_the_paper_s_thresholds_are_the_defaults() -> None:
    detector = Profile.load("pocket").detector
    assert (detector.confidence, detector.iou, detector.max_detections) == (0.1, 0.7, 300)


def test_the_full_profile_without_a_folder_is_refused() -> None:
    with pytest.raises(Refused, match="--weights"):
        Profile.load("full")


@pytest.mark.parametrize("name", ["huge", "", "../pocket", "pocket.toml"])
def test_an_unknown_profile_is_refused_with_the_known_ones(name: str) -> None:
    with pytest.raises(InvalidInput, match="full, pocket"):
        Profile.load(name)


def test_reading_a_profile_loads_no_model_library() -> None:
    code = (
        "import sys; from services.runtime.profile import Profile; Profile.load('pocket');"
        "assert not {'torch', 'ultralytics', 'open_clip', 'pocket'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
