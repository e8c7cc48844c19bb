"""`myvlm`: MyVLM (Alaluf et al., ECCV 2024; thesis 2.1.1), for LLaVA.

A concept is a head that says whether a photo shows it, and one vector e. Where the head says yes, e
is put right after the photo's own tokens, as one token more; the question stays as it is. e is
trained on captions of the concept's pictures that name it, asked for by `Please caption this image
of <bo>.`: cross-entropy, and lambda times the mean square of the attention probabilities with which
e's position looks at all others, summed over layers and pictures. AdamW with a step of 1.0, weight
decay 1e-4, gradients clipped at 0.05; 100 steps of 4 pictures, mirrored, turned by up to 45
degrees, their brightness changed by up to 0.6.

Where this leaves the published code:

- e/|e| is scaled to the norm of the projected [CLS] feature, as the paper has it (the code leaves
  it at 1, far below a small model's patches). [CLS] is no input of LLaVA's language model; the
  norm is taken behind the projector, where e stands, as the mean over the concept's pictures, so
  that a concept's row is the same for all photos.
- All of the concept's pictures are learned from, 4 a step (code: 4 pictures in all).
- The identifier is the concept's name in angle brackets, as everywhere in Kith (code: `sks` or a
  short name).
- From four pictures on, as the code trains on four; the thesis gives 10 to 15.
- Negatives come from the request or from a pool, as in `yollava`; the code has a folder a concept.
- Questions besides the caption (the code's second task, with vectors of its own) are not trained.
- Heads: see `services.baselines.heads` and `services.baselines.faces`.
"""

import math
import random
import re
from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from kith.errors import InvalidInput
from services.baselines import concept_embedding
from services.baselines.artefacts import Artefact, Header, Shapes
from services.baselines.base_model import BaseModel
from services.baselines.captions import told_captions, written
from services.baselines.faces import PEOPLE, Vectors, certainty, insight_faces, own_faces
from services.baselines.heads import THRESHOLD, Head, HeadRecipe, copies, parts, train_head
from services.baselines.material import Material, Subject
from services.baselines.methods.base import (
    Embed,
    Finding,
    Learned,
    Models,
    rows_of,
    training_capabilities,
)
from services.baselines.tokens import MAX_CONCEPTS, Rows
from services.baselines.training import Lesson, Progress, Recipe, fit
from services.generation.prompt import IMAGE, Rendered

_EMBEDDED_AT_ONCE: Final = 32
_COPIES: Final = 3
"""Mirrored and turned ones of each picture that a head is trained on."""


@dataclass(frozen=True)
class MyVLM:
    """The method; see the module."""

    faces: Path | None = None
    """Folder of insightface's `buffalo_l`; without it people are recognised as things are."""
    recipe: Recipe = field(
        default_factory=lambda: Recipe(
            epochs=100, batch=4, learning_rate=1.0, weight_decay=1e-4, clip=0.05, patience=100
        )
    )
    """An epoch is one step."""
    head: HeadRecipe = field(default_factory=HeadRecipe)

    name = "myvlm"
    soft_tokens = 0
    joint = False
    capabilities = training_capabilities(
        "myvlm",
        positives_min=4,
        positives_max=15,
        negatives=150,
        captions=True,
        text_only_qa=False,
        max_concepts_at_once=MAX_CONCEPTS,
    )

    def shapes(self, base: BaseModel) -> Shapes:
        """See `Method.shapes`."""
        width = base.own_embedding.shape[1]
        head = {"head.weight": (2, None), "head.bias": (2,)}
        return {"read": (1, width), "written": (0, width), **head}

    def train(
        self, models: Models, material: Material, folder: Path
    ) -> Generator[Progress, None, list[Artefact]]:
        """See `Method.train`: one subject after the other.

        Raises:
            InvalidInput: There are no negatives, or a person's views don't agree on a face.
        """
        if not (material.hard or material.soft):
            raise InvalidInput(
                "negatives: MyVLM's head learns a concept apart from others; give pictures without "
                "it, of the same category best",
                reason="NEGATIVES_MISSING",
                field="negatives",
            )
        artefacts = []
        for subject in material.subjects:
            artefacts.append(
                (yield from self._learn(models, subject, material, folder / subject.id))
            )
        return artefacts

    def tell(self, models: Models, chat: Rendered, concepts: Sequence[Learned]) -> Rendered:
        """Puts a concept's token after each photo that its head sees it in; names become text."""
        tokens = [slot.name for slot in models.base.slots[: len(concepts)]]
        names = [written(models.base, concept.name) for concept in concepts]
        photos = iter(chat.images)

        def seen(_: re.Match[str]) -> str:
            findings = self.recognize(models, next(photos), concepts)
            shown = [token for token, found in zip(tokens, findings, strict=True) if found.present]
            return "".join((IMAGE, *shown))

        def told(text: str) -> str:
            for token, name in zip(tokens, names, strict=True):
                text = text.replace(token, name)
            return re.sub(IMAGE, seen, text)

        messages = [
            {**message, "content": [{"type": "text", "text": told(part["text"])}]}
            for message in chat.messages
            for part in message["content"]  # type: ignore[attr-defined]
        ]
        return Rendered(messages, chat.images)

    def rows(self, concepts: Sequence[Learned]) -> Rows:
        """See `Method.rows`. These tokens are read, and never written."""
        return rows_of(concepts)

    def recognize(
        self, models: Models, photo: Image.Image, concepts: Sequence[Learned]
    ) -> list[Finding]:
        """By each concept's head; the language model is not asked."""
        vectors = models.embed([photo])
        scores = [self._certainty(one.artefact, photo, vectors) for one in concepts]
        return [Finding(score >= THRESHOLD, score) for score in scores]

    def _certainty(self, artefact: Artefact, photo: Image.Image, vectors: Vectors) -> float:
        keys = artefact.tensors.get("faces")
        if keys is not None and self.faces:
            return certainty(keys.numpy(), insight_faces(self.faces)(photo))
        head = Head(artefact.tensors["head.weight"], artefact.tensors["head.bias"])
        return head.probabilities(vectors)[0]

    def _learn(
        self, models: Models, subject: Subject, material: Material, folder: Path
    ) -> Generator[Progress, None, Artefact]:
        base, epochs = models.base, self.recipe.epochs
        images = [example.image for example in subject.examples]
        seen = self._faces(subject.category, images)
        head = yield from self._kept_head(models.embed, images, material, folder)
        captions = yield from told_captions(base, subject, epochs)
        name, norm = written(base, subject.name), concept_embedding.cls_norm(base, images)
        e = nn.Parameter(concept_embedding.fresh(base, self.recipe.seed))
        lesson = Lesson(
            {"e": e},
            lambda rng: concept_embedding.samples(
                rng, base, name, images, captions, self.recipe.batch
            ),
            lambda samples: concept_embedding.objective(base, e, norm, samples),
        )
        best = yield from fit(lesson, self.recipe, folder)
        read = concept_embedding.scaled(best["e"], norm)
        header = Header(
            method=self.name,
            base=base.fingerprint,
            tokens=(f"<{subject.name}>",),
            recipe={"embedding": asdict(self.recipe), "head": asdict(self.head)},
            data=material.fingerprint,
        )
        return Artefact(header, {"read": read, "written": read[:0], **head, **seen})

    def _faces(self, category: str, images: Sequence[Image.Image]) -> Mapping[str, Tensor]:
        """The faces of a person; nothing for other concepts, or where no face is found."""
        if not self.faces or category.lower() not in PEOPLE:
            return {}
        keys = own_faces([insight_faces(self.faces)(image) for image in images])
        return {"faces": torch.from_numpy(keys)} if len(keys) else {}

    def _kept_head(
        self, embed: Embed, images: Sequence[Image.Image], material: Material, folder: Path
    ) -> Generator[Progress, None, Mapping[str, Tensor]]:
        """The trained head; the one in `folder` where there was a stop after it."""
        file = folder / "head.safetensors"
        if not file.exists():
            negatives = (*material.hard, *material.soft)
            rng = random.Random(self.head.seed)
            head = train_head(
                (yield from self._vectors(embed, images, rng)),
                (yield from self._vectors(embed, negatives, rng)),
                self.head,
            )
            folder.mkdir(parents=True, exist_ok=True)
            save_file({"head.weight": head.weight, "head.bias": head.bias}, file)
        return load_file(file)

    def _vectors(
        self, embed: Embed, images: Sequence[Image.Image], rng: random.Random
    ) -> Generator[Progress, None, Tensor]:
        """Of pictures and their copies: float32 [n, c, dim]."""
        seen = [copy for image in images for copy in copies(image, _COPIES, rng)]
        vectors = []
        for part in parts(seen, _EMBEDDED_AT_ONCE):
            vectors.append(embed(part))
            yield Progress(0, self.recipe.epochs, 0.0, math.nan)
        rows = np.concatenate(vectors)
        return torch.from_numpy(rows.reshape(len(images), _COPIES + 1, -1))
