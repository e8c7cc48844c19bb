"""The pocket detector: an Ultralytics YOLO trained on a bank's scenes.

Ultralytics is AGPL-3.0, so it runs behind a process boundary: its own ``yolo`` command trains on a
folder of pictures and labels that this module writes.
"""

import os
import subprocess
import sys
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from datagen import playroom
from pocket.bank import Bank

ARCHITECTURE = "yolo11n.yaml"
PIXELS = 224
"""A side of what it looks at: a shirt on a dog is lost in fewer."""


def write_dataset(bank: Bank, folder: Path, part: str) -> None:
    """Writes pictures and labels in the YOLO layout, once."""
    images, labels = folder / "images" / part, folder / "labels" / part
    if (labels / "done").exists():
        return
    images.mkdir(parents=True, exist_ok=True)
    labels.mkdir(parents=True, exist_ok=True)
    for scene in tqdm(range(len(bank.images)), desc=f"pictures for YOLO ({part})"):
        Image.fromarray(bank.images[scene]).save(images / f"{scene:06d}.jpg", quality=92)
        lines = [label_line(bank, row) for row in bank.people_of(scene)]
        (labels / f"{scene:06d}.txt").write_text("\n".join(lines), encoding="utf-8")
    (labels / "done").touch()


def describe_dataset(folder: Path) -> None:
    """Writes ``data.yaml``: where the parts are, and the category of each class number."""
    names = "\n".join(f"  {i}: {word}" for i, word in enumerate(playroom.CATEGORIES))
    head = f"path: {folder.resolve()}\ntrain: images/train\nval: images/val\nnames:\n"
    (folder / "data.yaml").write_text(head + names + "\n", encoding="utf-8")


def label_line(bank: Bank, row: int) -> str:
    """Class number and centre, width and height as shares of the picture."""
    x1, y1, x2, y2 = bank.boxes[row] / bank.plan.pixels
    category = bank.concepts[int(bank.who[row])].category
    number = playroom.CATEGORIES.index(category)
    return f"{number} {(x1 + x2) / 2:.5f} {(y1 + y2) / 2:.5f} {x2 - x1:.5f} {y2 - y1:.5f}"


def train(start: str, bank: Bank, check: Bank, folder: Path, minutes: float, device: str) -> Path:
    """Trains for the given minutes; returns the best weights by mAP on ``check``.

    Args:
        start: an architecture's yaml, or weights to go on from.
        bank: what to train on.
        check: other identities.
        folder: where data, checkpoints and curves are written.
        minutes: wall clock.
        device: cpu or a CUDA device.
    """
    data = folder / "data"
    write_dataset(bank, data, "train")
    write_dataset(check, data, "val")
    describe_dataset(data)
    settings = {
        "model": start, "data": data / "data.yaml", "device": device, "imgsz": PIXELS,
        "batch": 32, "time": minutes / 60, "amp": device != "cpu", "workers": 1, "plots": False,
        "project": folder.resolve(), "name": "yolo", "exist_ok": True,
        "pretrained": not start.endswith(".yaml"),  # else weights to go on from are forgotten
        "optimizer": "AdamW", "lr0": 0.002, "warmup_epochs": 0.3, "mosaic": 0.0, "hsv_h": 0.01,
        "hsv_s": 0.3, "fraction": 0.4, "cache": "ram",
    }  # fmt: skip
    command = [str(Path(sys.executable).with_name("yolo")), "detect", "train"]
    command += [f"{key}={value}" for key, value in settings.items()]
    subprocess.run(command, check=True, env={**os.environ, "YOLO_OFFLINE": "1"})
    return folder / "yolo" / "weights" / "best.pt"


STRIP = """
import sys, torch
kept = ("date", "version", "license", "docs", "epoch", "model", "ema", "train_metrics")
source, target = sys.argv[1:]
checkpoint = torch.load(source, map_location="cpu", weights_only=False)
small = {name: checkpoint[name] for name in kept}
small["model"].args = {"task": "detect", "imgsz": checkpoint["train_args"]["imgsz"]}
torch.save({**small, "train_args": small["model"].args}, target)
"""
"""Ultralytics writes paths of the machine and the state of its git into a checkpoint."""


def export(weights: Path, target: Path) -> None:
    """Writes the checkpoint, in half precision and without traces of the machine."""
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([sys.executable, "-c", STRIP, str(weights), str(target)], check=True)
