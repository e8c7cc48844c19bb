import asyncio
from pathlib import Path

import pytest

from evaluation import bench, datasets, memories
from evaluation.bench import DISTRACTORS, SPLITS
from kith import Client
from pocket import looking
from pocket.decision import Deciding, Idea

SIZE = 40


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_as_shipped_the_tables_decide_as_kith_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bench"
    bench.build(folder, quick=True, progress=lambda *_: None, identities="validation")
    monkeypatch.setattr(looking, "CROWDED", SIZE)
    looked = asyncio.run(looking.looked_at(folder))
    deciding = Deciding(Idea(), [*looked.known, *looked.crowd], looked.stranger_distance)
    found = [datasets.read(folder / name) for name in SPLITS]
    own, further = memories.own(found), datasets.read(folder / DISTRACTORS).concepts
    photos = looking._photos(folder, found)
    with Client(memory=tmp_path / "memory", method="kith") as kith:
        for one in memories.of_size(SIZE, own, (), further).concepts:
            kith.remember(one.name, list(one.views), category=one.category)
        for (path, _, _), seen in list(zip(photos, looked.photos, strict=True))[::3]:
            names = {used.concept for used in kith.retrieve(path).accepted}
            assert names == deciding.names(seen), path
