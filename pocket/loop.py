"""What every recipe's training loop shares: clock, schedule, checkpoints, log and curves."""

import csv
import math
import time
from pathlib import Path
from typing import Any

import matplotlib as mpl
import torch
from tqdm import tqdm

mpl.use("Agg")
from matplotlib import pyplot as plt

CHECKPOINT_EVERY_S = 180


def half(device: str) -> torch.autocast:
    """Autocast to bfloat16 where the device computes in it; elsewhere it is slower than float32."""
    able = device != "cpu" or torch.cpu._is_avx512_bf16_supported()
    return torch.autocast(device, torch.bfloat16, enabled=able)


class Run:
    """One training run in a folder: ``state.pt``, ``log.csv`` and ``curves.png``.

    The learning rate follows the share of the wanted minutes that has passed (a short warm-up, then
    a cosine), so a recipe is given a time and not a number of steps. A resumed run starts a new
    schedule from the saved weights.

    Args:
        folder: where checkpoint, log and curves are written.
        minutes: how long to train, wall clock.
        modules: what is trained and saved, by name.
        optimizer: its ``lr`` at the start is the peak of the schedule.
        resume: go on from ``state.pt``.
    """

    def __init__(
        self,
        folder: Path,
        minutes: float,
        modules: dict[str, torch.nn.Module],
        optimizer: torch.optim.Optimizer,
        *,
        resume: bool,
    ) -> None:
        self.folder, self.minutes, self.modules, self.optimizer = (
            folder,
            minutes,
            modules,
            optimizer,
        )
        self.step = 0
        self.rows: list[dict[str, float]] = []
        self.peaks = [float(group["lr"]) for group in optimizer.param_groups]
        folder.mkdir(parents=True, exist_ok=True)
        if resume and (folder / "state.pt").exists():
            self._load()
        self.first_step = self.step
        self.started = self.saved = time.monotonic()
        self.bar = tqdm(total=round(minutes * 60), unit="s", desc=folder.name, mininterval=5)

    @property
    def progress(self) -> float:
        """Share of the wanted time that has passed, 0 to 1."""
        return min(1.0, (time.monotonic() - self.started) / (60 * self.minutes))

    def running(self) -> bool:
        """True until the time is up; sets the learning rate of the next step."""
        warm = min(1.0, (self.step - self.first_step + 1) / 100)
        rate = warm * max(0.02, 0.5 * (1 + math.cos(math.pi * self.progress)))
        for group, peak in zip(self.optimizer.param_groups, self.peaks, strict=True):
            group["lr"] = peak * rate
        return self.progress < 1.0

    def log(self, figures: dict[str, float], *, every: int = 20) -> None:
        """Counts a step; every so many steps the figures go to the log, now and then to disk."""
        self.step += 1
        if self.step % every == 0:
            self.rows.append({"step": self.step, **figures})
            elapsed = round(time.monotonic() - self.started)
            self.bar.update(elapsed - self.bar.n)
            shown = {k: f"{v:.3g}" for k, v in figures.items()}
            self.bar.set_postfix(step=self.step, refresh=False, **shown)
        if time.monotonic() - self.saved > CHECKPOINT_EVERY_S:
            self.save()

    def save(self) -> None:
        """Writes checkpoint, log and curves; a kill leaves the older or the newer checkpoint."""
        state: dict[str, Any] = {name: m.state_dict() for name, m in self.modules.items()}
        extra = {"step": self.step, "rows": self.rows, "optimizer": self.optimizer.state_dict()}
        partial = self.folder / "state.partial"
        torch.save({**state, "run": extra}, partial)
        partial.replace(self.folder / "state.pt")
        self._write_log()
        self.saved = time.monotonic()

    def _load(self) -> None:
        state = torch.load(self.folder / "state.pt", map_location="cpu", weights_only=True)
        for name, module in self.modules.items():
            module.load_state_dict(state[name])
        self.optimizer.load_state_dict(state["run"]["optimizer"])
        self.step, self.rows = state["run"]["step"], state["run"]["rows"]

    def _write_log(self) -> None:
        if not self.rows:
            return
        names = list(dict.fromkeys(name for row in self.rows for name in row))
        with (self.folder / "log.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, names)
            writer.writeheader()
            writer.writerows(self.rows)
        draw_curves(self.rows, names[1:], self.folder / "curves.png")


def draw_curves(rows: list[dict[str, float]], names: list[str], target: Path) -> None:
    """Draws one small panel a figure over the steps."""
    columns = min(4, len(names))
    lines = -(-len(names) // columns)
    figure, axes = plt.subplots(lines, columns, figsize=(3 * columns, 2.2 * lines), squeeze=False)
    for ax, name in zip(axes.flat, names, strict=False):
        points = [(row["step"], row[name]) for row in rows if name in row]
        ax.plot(*zip(*points, strict=True), linewidth=1)
        ax.set_title(name, fontsize=9)
    for ax in axes.flat[len(names) :]:
        ax.axis("off")
    figure.tight_layout()
    figure.savefig(target, dpi=90)
    plt.close(figure)
