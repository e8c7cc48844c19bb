"""Where the pictures of a run lie. What lies in the run's folder is found there when that moves."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

_BESIDE: Final = ("outside", "outside_multi", "distractors")
"""What lies beside the datasets."""


@dataclass(frozen=True)
class Places:
    """Folders of pictures."""

    datasets: Mapping[str, Path]
    """By name."""
    outside: Path | None = None
    """Of pictures of one thing each that is nobody's, if they are beside the datasets."""
    outside_multi: Path | None = None
    """The same, of several things each."""
    distractors: Path | None = None
    """A dataset whose concepts fill larger memories, if there is one."""

    def of(self, dataset: str, photo: str) -> Path:
        """Where a photo lies.

        Args:
            dataset: Name of the dataset that it is asked about with.
            photo: Its id; see `manifest.Photo`.
        """
        inside = self.datasets.get(dataset, Path()) / photo
        kind, _, rest = photo.partition("/")
        beside = {"outside": self.outside, "outside_multi": self.outside_multi}.get(kind)
        return inside if beside is None or inside.exists() else beside / rest

    def told(self, out: Path) -> dict[str, Any]:
        """As plain JSON: what lies in a run's folder by its path there, the rest as it is."""
        root = out.resolve()

        def plain(folder: Path | None) -> str | None:
            if folder is None:
                return None
            place = folder.resolve()
            return str(place.relative_to(root) if place.is_relative_to(root) else place)

        return {
            "datasets": {name: plain(folder) for name, folder in self.datasets.items()},
            **{kind: plain(getattr(self, kind)) for kind in _BESIDE},
        }

    @classmethod
    def read(cls, told: Mapping[str, Any], out: Path) -> Self:
        """What was written down in a run's folder, wherever that is now."""
        datasets = {name: out / folder for name, folder in told["datasets"].items()}
        beside = {kind: out / told[kind] for kind in _BESIDE if told.get(kind)}
        return cls(datasets, **beside)
