"""The pocket CLIP: an open_clip model whose vision tower also is the pocket LLaVA's.

Beside image-text contrast it learns *who* is seen: instance contrast between views of one identity
with its look-alikes in the batch, and the same for every 20 px patch of a scene, so that patch
features (which LLaVA reads) carry identity too. Attribute heads give dense supervision from the
first step; they are dropped on export. In the end it looks at views alone, twice as many at once:
who is who is all that a memory asks.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import open_clip
import torch
from open_clip.model import CLIP
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import attention
from torch.nn import functional as F  # noqa: N812 - the name everybody knows

from pocket.bank import ATTRIBUTES, GRID, PIXELS, Bank, attribute_words
from pocket.clip_batches import MEAN, STD, Batch, Sampler, normalize, photometric, reframe
from pocket.loop import Run, half

PATCH = PIXELS // GRID
VISION = {"image_size": PIXELS, "patch_size": PATCH, "layers": 6, "width": 192, "head_width": 32}
TEXT = {"context_length": 48, "vocab_size": 49408, "width": 128, "heads": 4, "layers": 3}
VECTOR_DIM = 256
DENSE_DIM = 128
SHARPNESS = 14.0
"""Inverse temperature of the instance contrast."""
RECOLORED = 32
"""Views a step that are seen again with colour channels exchanged, to learn shape from."""
COLORLESS = {0: 3.0, 3: 1.0, 5: 1.0}
"""Columns of the labels that such a view keeps (category, pattern, build), with their weights."""


def build() -> CLIP:
    """The untrained model."""
    return CLIP(VECTOR_DIM, VISION, TEXT, quick_gelu=True)


class Heads(nn.Module):
    """Training-only heads: attributes of a view, attributes and identity of a patch."""

    def __init__(self, sizes: list[int]) -> None:
        super().__init__()
        width = VISION["width"]
        self.view = nn.ModuleList(nn.Linear(width, n) for n in sizes)
        self.patch = nn.ModuleList(nn.Linear(width, n) for n in sizes)
        self.norm = nn.LayerNorm(width)
        self.dense = nn.Linear(width, DENSE_DIM)
        self.backdrop = nn.Parameter(torch.randn(DENSE_DIM) * 0.1)

    def identity(self, patches: Tensor) -> Tensor:
        """[..., width] patch features to unit vectors [..., 128]."""
        return F.normalize(self.dense(self.norm(patches)), dim=-1)


def see(model: CLIP, images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Runs the vision tower, in bfloat16 where that is fast, with a float32 residual stream.

    Returns:
        unit vectors [n, 256], pooled features [n, 192], patch features of the last layer but one
        [n, 64, 192] (what LLaVA reads), all float32.
    """
    tower = model.visual
    hidden = tower._embeds(normalize(images))
    # Over 50 tokens plain attention trains twice as fast on a CPU as the fused kernels.
    plain = attention.sdpa_kernel(attention.SDPBackend.MATH)
    with plain, half(images.device.type):
        for block in tower.transformer.resblocks[:-1]:
            hidden = block(hidden)
        last = tower.transformer.resblocks[-1](hidden)
    pooled = tower.ln_post(last[:, 0].float())
    return F.normalize(pooled @ tower.proj, dim=-1), pooled, hidden[:, 1:].float()


def losses(
    model: CLIP, heads: Heads, batch: Batch, labels: Tensor, tokens: tuple[Tensor, Tensor]
) -> dict[str, Tensor]:
    """All parts of the objective for one batch; ``labels`` is [identities, 6].

    Without scenes, those of the views.
    """
    count = len(batch.scenes)
    recolored = batch.views[:RECOLORED, torch.randperm(3).tolist()]
    seen = see(model, torch.cat([batch.scenes, batch.views, recolored]))
    end = count + len(batch.views)
    (vectors, pooled, patches), shapes = (part[:end] for part in seen), seen[1][end:]
    views, portraits, sightings = vectors[count:], slice(0, None, 2), slice(1, None, 2)
    ids = batch.who[portraits]
    target = torch.arange(len(ids), device=ids.device)
    alike = SHARPNESS * views[portraits] @ views[sightings].T
    dense = heads.identity(patches)
    whole = F.normalize(dense[count:].mean(1), dim=-1)
    alike_dense = SHARPNESS * whole[portraits] @ whole[sightings].T
    among = among_rivals(batch.family[portraits])
    view_words = attribute_loss(heads.view, pooled[count:], labels[batch.who])
    shape_words = torch.stack(
        [
            weight * F.cross_entropy(heads.view[i](shapes), labels[batch.who[:RECOLORED]][:, i])
            for i, weight in COLORLESS.items()
        ]
    ).mean()
    view_text = contrast(views[portraits], model.encode_text(tokens[1], normalize=True))
    of_views = {
        "instance": (F.cross_entropy(alike, target) + F.cross_entropy(alike.T, target)) / 2,
        "rivals": F.cross_entropy(alike + among, target),
        "instance_dense": F.cross_entropy(alike_dense, target),
        "view_words": view_words,
        "shape_words": shape_words,
        "text": view_text,
        "accuracy": (alike.argmax(1) == target).float().mean(),
    }
    if not count:
        return of_views
    owner = batch.owners.flatten()
    names = torch.cat([whole[portraits], F.normalize(heads.backdrop, dim=0)[None]])
    column = torch.full((int(max(owner.max(), ids.max())) + 2,), -100, device=ids.device)
    column[ids] = target
    column[-1] = len(ids)
    shown = SHARPNESS * dense[:count].flatten(0, 1) @ names.T
    told = F.cross_entropy(shown, column[owner])
    owned = owner >= 0
    named = (column[owner] >= 0) & (column[owner] < len(ids))
    rival = among[column[owner][named]]
    covered = patches[:count].flatten(0, 1)[owned]
    patch_words = attribute_loss(heads.patch, heads.norm(covered), labels[owner[owned]])
    scene_text = contrast(vectors[:count], model.encode_text(tokens[0], normalize=True))
    return of_views | {
        "patch_identity": told,
        "patch_rivals": F.cross_entropy(shown[named, :-1] + rival, column[owner][named]),
        "patch_words": patch_words,
        "text": (scene_text + view_text) / 2,
    }


def among_rivals(family: Tensor) -> Tensor:
    """[n] family numbers to [n, n]: 0 between members of one family, else minus infinity."""
    apart = family[:, None] != family[None]
    return torch.zeros(apart.shape, device=family.device).masked_fill(apart, float("-inf"))


WEIGHTS = {
    "instance": 1.0, "rivals": 1.0, "instance_dense": 0.5, "patch_identity": 1.0,
    "patch_rivals": 1.0, "patch_words": 2.0, "view_words": 2.0, "shape_words": 1.0, "text": 0.4,
}  # fmt: skip


def attribute_loss(layers: nn.ModuleList, features: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy over the six attributes, those of shape twice; [n, width] and [n, 6]."""
    parts = [F.cross_entropy(layer(features), labels[:, i]) for i, layer in enumerate(layers)]
    shape = [parts[i] for i in COLORLESS]
    return torch.stack(parts + shape).mean()


def contrast(images: Tensor, texts: Tensor) -> Tensor:
    """CLIP's symmetric loss on unit vectors [n, d]."""
    logits = SHARPNESS * images @ texts.T
    target = torch.arange(len(images), device=images.device)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def train(
    model: CLIP,
    bank: Bank,
    folder: Path,
    minutes: float,
    device: str,
    *,
    resume: bool,
    views_alone: bool = False,
) -> None:
    """Trains for the given wall-clock minutes, on views alone or on scenes too."""
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(0)
    model.to(device)
    heads = Heads([len(attribute_words()[a]) for a in ATTRIBUTES]).to(device)
    every = [*model.parameters(), *heads.parameters()]
    decay = [p for p in every if p.ndim > 1]
    rest = [p for p in every if p.ndim <= 1]
    groups = [{"params": decay, "weight_decay": 0.05}, {"params": rest, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=6e-4, betas=(0.9, 0.98))
    run = Run(folder, minutes, {"model": model, "heads": heads}, optimizer, resume=resume)
    sampler = Sampler(bank, 0 if views_alone else 32, 320 if views_alone else 160, seed=run.step)
    labels = torch.from_numpy(bank.labels).to(device)
    tokenize = open_clip.SimpleTokenizer(context_length=TEXT["context_length"])
    ahead = ThreadPoolExecutor(1)

    def draw() -> Batch:
        return augmented(sampler.draw(), generator, device)

    drawn = ahead.submit(draw)
    while run.running():
        batch = drawn.result()
        drawn = ahead.submit(draw)
        tokens = (
            tokenize(batch.captions).to(device),
            tokenize(batch.descriptions[::2]).to(device),
        )
        parts = losses(model, heads, batch, labels, tokens)
        weighted = [WEIGHTS[name] * part for name, part in parts.items() if name in WEIGHTS]
        loss = torch.stack(weighted).sum()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(every, 1.0)
        optimizer.step()
        run.log({name: value.item() for name, value in parts.items()})
    run.save()


def augmented(batch: Batch, generator: torch.Generator, device: str) -> Batch:
    """The batch with changed light everywhere and changed framing of the views, on the device."""
    return Batch(
        scenes=photometric(batch.scenes, generator).to(device),
        owners=batch.owners.to(device),
        captions=batch.captions,
        views=photometric(reframe(batch.views, generator), generator).to(device),
        who=batch.who.to(device),
        family=batch.family.to(device),
        descriptions=batch.descriptions,
    )


def export(model: CLIP, folder: Path) -> None:
    """Writes ``open_clip_config.json`` and half-precision ``open_clip_model.safetensors``."""
    folder.mkdir(parents=True, exist_ok=True)
    shape = {"embed_dim": VECTOR_DIM, "quick_gelu": True, "vision_cfg": VISION, "text_cfg": TEXT}
    look = {"mean": MEAN, "std": STD, "interpolation": "bicubic", "resize_mode": "longest"}
    config = {"model_cfg": shape, "preprocess_cfg": look}
    text = json.dumps(config, indent=2) + "\n"
    (folder / "open_clip_config.json").write_text(text, encoding="utf-8")
    weights = {k: v.detach().cpu().half().contiguous() for k, v in model.state_dict().items()}
    save_file(weights, folder / "open_clip_model.safetensors", {"format": "pt"})
