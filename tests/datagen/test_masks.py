"""SAM is asked for what was marked, and its masks lie on disk as they were drawn.

The SAM here is tiny and untrained, so the tests hold its masks against formulas, not against eyes.
"""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from transformers import SamModel

from datagen.masks import Outliner, write_masks
from datagen.via import Marked, Point, Prompt
from kith.errors import InvalidInput, Refused
from tests.datagen.tiny_sam import SIDE, write_sam

SIZE = (96, 72)  # of the pictures
ON = Prompt(None, (Point(30, 40),))
BOXED = Prompt((10, 12, 60, 50), (Point(30, 40), Point(80, 10, inside=False)))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sam(tmp_path_factory.mktemp("sam"))


@pytest.fixture(scope="module")
def outliner(checkpoint: Path) -> Outliner:
    return Outliner(checkpoint)


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    rng = np.random.default_rng(3)
    return Image.fromarray(rng.integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8))


def by_hand(
    checkpoint: Path, picture: Image.Image, prompt: Prompt, multimask: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Masks [n, height, width] and scores [n], by SAM's own formulas: no processor, no library."""
    model = SamModel.from_pretrained(checkpoint).eval()
    scale = SIDE / max(picture.size)
    wide, high = (round(edge * scale) for edge in picture.size)
    pixels = np.asarray(picture.resize((wide, high), Image.Resampling.BILINEAR), np.float32) / 255
    normal = (pixels - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    square = np.zeros((1, 3, SIDE, SIDE), np.float32)
    square[0, :, :high, :wide] = normal.transpose(2, 0, 1)
    # Each axis is scaled by what rounding made of it.
    sx, sy = wide / picture.width, high / picture.height
    asked = {
        "input_points": torch.tensor([[[[p.x * sx, p.y * sy] for p in prompt.points]]]),
        "input_labels": torch.tensor([[[int(p.inside) for p in prompt.points]]]),
    }
    if prompt.box:
        x1, y1, x2, y2 = prompt.box
        asked["input_boxes"] = torch.tensor([[[x1 * sx, y1 * sy, x2 * sx, y2 * sy]]])
    with torch.inference_mode():
        drawn = model(pixel_values=torch.from_numpy(square), multimask_output=multimask, **asked)
        whole = torch.nn.functional.interpolate(
            drawn.pred_masks[0], (SIDE, SIDE), mode="bilinear", align_corners=False
        )[..., :high, :wide]
        full = torch.nn.functional.interpolate(
            whole, (picture.height, picture.width), mode="bilinear", align_corners=False
        )
    return (full[0] > 0).numpy(), drawn.iou_scores[0, 0].numpy()


def agreement(a: np.ndarray, b: np.ndarray) -> float:
    return float((a == b).mean())


def test_of_three_masks_for_one_point_the_one_with_the_best_score_is_taken(
    checkpoint: Path, outliner: Outliner, picture: Image.Image
) -> None:
    masks, scores = by_hand(checkpoint, picture, ON, multimask=True)
    best = int(scores.argmax())
    outline = outliner.outline(picture, [ON])
    assert len(masks) == 3
    assert 0 < masks[best].mean() < 1
    others = [agreement(outline.mask, masks[i]) for i in range(3) if i != best]
    assert agreement(outline.mask, masks[best]) > max(0.998, *others)


def test_a_box_with_points_has_one_mask(
    checkpoint: Path, outliner: Outliner, picture: Image.Image
) -> None:
    masks, scores = by_hand(checkpoint, picture, BOXED, multimask=False)
    outline = outliner.outline(picture, [BOXED])
    assert len(masks) == 1
    assert 0 < masks[0].mean() < 1
    assert agreement(outline.mask, masks[0]) > 0.99
    assert outline.score == pytest.approx(np.clip(scores[0], 0, 1), abs=0.02)


def test_several_prompts_are_outlined_apart_and_laid_together(
    outliner: Outliner, picture: Image.Image
) -> None:
    first, second = (outliner.outline(picture, [prompt]) for prompt in (ON, BOXED))
    both = outliner.outline(picture, [ON, BOXED])
    assert (first.mask != second.mask).any()
    assert (both.mask == (first.mask | second.mask)).all()
    assert both.score == min(first.score, second.score)


@pytest.fixture
def pictures(tmp_path: Path, picture: Image.Image) -> Path:
    folder = tmp_path / "pictures"
    (folder / "bo").mkdir(parents=True)
    picture.save(folder / "bo" / "01.png")
    # Stored lying on its side, as a phone does: VIA shows it upright, and so it is marked.
    turned = picture.transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6
    turned.save(folder / "bo" / "02.png", exif=exif)
    return folder


def test_masks_lie_beside_one_another_under_the_names_of_their_pictures(
    outliner: Outliner, pictures: Path, picture: Image.Image, tmp_path: Path
) -> None:
    marked = [Marked("bo/01.png", (BOXED,)), Marked("bo/02.png", (BOXED,))]
    first, second = write_masks(outliner, marked, pictures, tmp_path / "masks")
    expected = outliner.outline(picture, [BOXED])
    with Image.open(tmp_path / "masks" / "bo" / "01.png") as mask:
        assert (mask.mode, mask.size) == ("L", SIZE)
        assert (np.asarray(mask) == expected.mask * 255).all()
    assert first.share == expected.mask.mean()
    assert (first.score, second.score) == (expected.score, expected.score)
    assert first.mask.read_bytes() == second.mask.read_bytes()


@pytest.mark.parametrize(
    ("marked", "said"),
    [
        ([Marked("bo/03.png", (ON,))], "can't read .*03.png"),
        ([Marked("../bo/01.png", (ON,))], "leads out of"),
        ([Marked("bo/01.png", (Prompt(None, (Point(97, 3),)),))], "97, 3 lies beside its 96 x 72"),
        ([Marked("bo/01.png", (Prompt((0, 0, 9, 73), ()),))], "9, 73 lies beside"),
        (
            [Marked("bo/01.png", (ON,)), Marked("bo/01.jpg", (ON,))],
            "01.png and bo/01.jpg would have",
        ),
    ],
)
def test_nothing_is_made_where_one_mark_is_wrong(
    outliner: Outliner, pictures: Path, tmp_path: Path, marked: list[Marked], said: str
) -> None:
    if marked[-1].file == "bo/01.jpg":
        Image.new("RGB", SIZE).save(pictures / "bo" / "01.jpg")
    given = [Marked("bo/02.png", (ON,)), *marked]
    with pytest.raises(InvalidInput, match=said):
        list(write_masks(outliner, given, pictures, tmp_path / "masks"))
    assert not (tmp_path / "masks").exists()


def test_a_folder_without_sam_is_refused(tmp_path: Path) -> None:
    files = "config.json, model.safetensors, preprocessor_config.json"
    then = "fetch one such as facebook/sam-vit-huge from a model hub, and name the folder with its"
    for folder, why in (
        (tmp_path, "it lacks config.json, model.safetensors, preprocessor_config.json"),
        (tmp_path / "missing", "there is no such folder"),
    ):
        with pytest.raises(Refused) as refused:
            Outliner(folder)
        assert str(refused.value) == f"sam: {folder} holds no SAM: {why}; {then} {files}"


def test_what_a_folder_lacks_of_sam_is_told_in_words_of_ours(
    checkpoint: Path, tmp_path: Path
) -> None:
    for gone in ("model.safetensors", "config.json"):
        folder = shutil.copytree(checkpoint, tmp_path / gone)
        (folder / gone).unlink()
        with pytest.raises(Refused, match=f"holds no SAM: it lacks {gone}; fetch one such as"):
            Outliner(folder)
    folder = shutil.copytree(checkpoint, tmp_path / "torn")
    for name, content, why in (
        ("model.safetensors", b"torn", "its files are damaged, or do not fit together"),
        ("config.json", b"{}", "its config.json is damaged"),
        ("config.json", b'{"model_type": "llava"}', "its config.json is of the model 'llava'"),
    ):
        (folder / name).write_bytes(content)
        with pytest.raises(Refused, match=f"holds no SAM: {why}; fetch one such as"):
            Outliner(folder)


def test_a_pickle_is_never_opened(checkpoint: Path, tmp_path: Path) -> None:
    for file in checkpoint.iterdir():
        if file.name != "model.safetensors":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    (tmp_path / "pytorch_model.bin").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(Refused, match="holds no SAM"):
        Outliner(tmp_path)
