import open_clip
import torch

from pocket import clip
from pocket.bank import ATTRIBUTES, Bank, attribute_words
from pocket.clip_batches import Batch, Sampler


def losses_of(bank: Bank, batch: Batch) -> dict[str, torch.Tensor]:
    heads = clip.Heads([len(attribute_words()[a]) for a in ATTRIBUTES])
    tokenize = open_clip.SimpleTokenizer(context_length=clip.TEXT["context_length"])
    captions = tokenize(batch.captions or [""])
    tokens = (captions, tokenize(batch.descriptions[::2]))
    return clip.losses(clip.build(), heads, batch, torch.from_numpy(bank.labels), tokens)


def test_a_batch_without_scenes_is_of_pairs_of_look_alikes_seen_twice(bank: Bank) -> None:
    batch = Sampler(bank, scenes=0, views=16, seed=0).draw()
    assert batch.scenes.shape[0] == len(batch.captions) == 0
    assert batch.views.shape == (16, 3, 160, 160)
    assert batch.who[::2].tolist() == batch.who[1::2].tolist()
    assert len(set(batch.who.tolist())) == 8
    assert len(set(batch.family.tolist())) < 8


def test_what_is_learned_of_views_needs_no_scene_and_of_scenes_more(bank: Bank) -> None:
    alone = losses_of(bank, Sampler(bank, scenes=0, views=16, seed=0).draw())
    both = losses_of(bank, Sampler(bank, scenes=4, views=16, seed=0).draw())
    assert both.keys() - alone.keys() == {"patch_identity", "patch_rivals", "patch_words"}
    assert alone.keys() <= both.keys()
    assert all(part.isfinite() for part in (*alone.values(), *both.values()))
