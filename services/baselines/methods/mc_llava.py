"""`mc-llava`: MC-LLaVA (An et al. 2024; thesis 2.1.3).

Several concepts are trained together, so that they learn to be told apart. Each is a name token
and k = 16 soft tokens, which begin as what the model's eye sees of the concept
(`patches.first_rows`). The prompt tells of all of them, one after the other:
`<sks_1> is <token1>...<token16>.<sks_2> is ...` Trained are their embedding rows and their rows of
the output matrix, on pictures of each concept, on pictures of every other one asked about this one
(joint negatives), on negatives from elsewhere, and on questions about looks without a picture
(`joint`). When a photo is asked about, each concept that its own patches find there is marked on
the photo with a number, and the prompt says which (`marks`).

Where this leaves the published code:

- A base model that was trained on RAP's list of references is told in that form, and its names
  begin as words that it knows (`wording`).
- The concepts' sentences stand in the first user turn after its pictures, as Yo'LLaVA's do, and
  not at the end of the system prompt: what comes before the first concept token is the same at
  every step, so that each picture is looked at once a training (`Prefixes`) and not at each step.
- The tokens' rows are parameters beside the model's matrices, exactly the answer's tokens are
  learned, and step and start of the output rows follow the model's scale: as in `yollava`.
- Joint negatives are about as many a picture as questions about its own concept, but at least one
  a concept (paper: at least one; code: ten), and a negative from elsewhere is asked about one
  concept an epoch, drawn anew each time (code: each concept has a hundred of its own), so that noes
  do not drown the yeses.
- Where a step is of several conversations, some questions about one picture follow on each other:
  what tells of the concepts is then computed once for all of them.
- Marks are never drawn for who is asked for: the code's recognition tells of a mark for every
  concept asked about, which gives the answer away. Only the last photo of a chat is marked.
- The best epoch and recognition go by P(yes) > 0.5, a step is of the profile's `training_batch`
  conversations, and negatives come from the request or a pool: as in `yollava`, for its reasons.
  The best epoch is looked for from the sixth on, as in the code.
- Training ends after three epochs in which nothing gets better, to spare minutes on two cores.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor, nn

from services.assistant.capabilities import Capabilities
from services.baselines.artefacts import Artefact, Header, Shapes
from services.baselines.base_model import BaseModel, Sample, Worn
from services.baselines.joint import (
    Pictures,
    balanced_accuracy,
    certainties,
    samples,
)
from services.baselines.looks import told_looks
from services.baselines.marks import Finder, Mark, centred, drawn, found, over_photo, similarity
from services.baselines.material import Material
from services.baselines.methods.base import (
    Finding,
    Learned,
    Models,
    row_shapes,
    rows_of,
    training_capabilities,
)
from services.baselines.methods.yollava import SOFT_TOKENS, after_pictures
from services.baselines.patches import (
    concept_patches,
    first_rows,
    patch_width,
    patches,
    projected,
)
from services.baselines.prefixes import Prefixes
from services.baselines.tokens import MAX_CONCEPTS, Rows, Slot
from services.baselines.training import PUBLISHED_SCALE, Lesson, Progress, Recipe, fit
from services.baselines.wording import Wording, word_rows, wording_for
from services.generation.prompt import Rendered, text_in, with_text


@dataclass(frozen=True)
class MCLLaVA:
    """The method; see the module."""

    name: str = "mc-llava"
    recipe: Recipe = field(
        default_factory=lambda: Recipe(weight_decay=1e-6, first_best=6, patience=3)
    )
    finder: Finder | None = field(default_factory=Finder)
    """When a concept is marked on a photo; None for no marks at all."""

    soft_tokens = SOFT_TOKENS
    joint = True

    @property
    def capabilities(self) -> Capabilities:
        """See `Method.capabilities`."""
        return training_capabilities(
            self.name,
            positives_min=5,
            positives_max=10,
            negatives=150,
            masks=True,
            max_concepts_at_once=MAX_CONCEPTS,
        )

    def shapes(self, base: BaseModel) -> Shapes:
        """See `Method.shapes`."""
        return {**row_shapes(base, SOFT_TOKENS), "patches": (None, patch_width(base))}

    def train(
        self, models: Models, material: Material, folder: Path
    ) -> Generator[Progress, None, list[Artefact]]:
        """See `Method.train`. By an artefact's `patches` [n, width] its marks are found."""
        base = models.base
        recipe = self.recipe.scaled(base.scale, base.spec.training_batch)
        looks = yield from told_looks(base, material.subjects, recipe.epochs, folder)
        banks = [concept_patches(base, subject.examples) for subject in material.subjects]
        wording = wording_for(base)
        rows = fresh_rows(base, banks, recipe.seed)
        if wording.form == "list":
            begin_as_words(base, rows, [subject.name for subject in material.subjects])
        worn = Worn(Rows(rows["read"], rows["written"]), tuple(s.name for s in material.subjects))
        slots = base.slots[: len(material.subjects)]
        pictures, prefixes = Pictures(material), Prefixes()
        told = [looks[subject.id] for subject in material.subjects]

        def loss(samples: Sequence[Sample]) -> Tensor:
            with base.wearing(worn):
                return base.loss(samples, prefixes)

        def score() -> float:
            with base.wearing(worn):
                return balanced_accuracy(base, wording, slots, pictures, prefixes)

        lesson = Lesson(
            rows,
            lambda rng: samples(rng, wording, slots, pictures, told, recipe.batch),
            loss,
            score,
        )
        best = yield from fit(lesson, recipe, folder)
        return self._artefacts(base, material, recipe, best, banks)

    def tell(self, models: Models, chat: Rendered, concepts: Sequence[Learned]) -> Rendered:
        """Tells of all concepts before the first question, and of the marks on the last photo."""
        wording, slots = wording_for(models.base), models.base.slots[: len(concepts)]
        told, images = wording.told(slots), list(chat.images)
        if images:
            marks = self.marks(models.base, images[-1], concepts)
            told += located(wording, slots, marks)
            images[-1] = drawn(images[-1], marks)
        messages = [with_text(m, wording.named(text_in(m), slots)) for m in chat.messages]
        first = next(i for i, message in enumerate(messages) if message["role"] == "user")
        messages[first] = after_pictures(messages[first], told)
        return Rendered(messages, images)

    def rows(self, concepts: Sequence[Learned]) -> Rows:
        """See `Method.rows`."""
        return rows_of(concepts)

    def recognize(
        self, models: Models, photo: Image.Image, concepts: Sequence[Learned]
    ) -> list[Finding]:
        """Asks the model for each concept, all of them told and marked in every question.

        Present is what it would rather answer yes to; `box` is where the concept's own patches
        find it, whatever the answer, and None where they don't.
        """
        base = models.base
        marks = self.marks(base, photo, concepts)
        wording, slots = wording_for(base), base.slots[: len(concepts)]
        told = f"{wording.told(slots)}{located(wording, slots, marks)}"
        shown = drawn(photo, marks)
        with base.wearing(Worn(self.rows(concepts), tuple(one.name for one in concepts))):
            scores = certainties(base, told, [(wording.name(slot), shown) for slot in slots])
        boxes = {mark.number: mark.box for mark in marks}
        return [Finding(s > 0.5, s, boxes.get(number)) for number, s in enumerate(scores, 1)]

    def marks(self, base: BaseModel, photo: Image.Image, concepts: Sequence[Learned]) -> list[Mark]:
        """Where the concepts' patches find them in a photo."""
        if self.finder is None:
            return []
        banks = [one.artefact.tensors["patches"] for one in concepts]
        maps = similarity(patches(base, [photo])[0], banks)
        side = base.network.config.vision_config.image_size
        maps = centred(over_photo(maps, side, photo.size))
        return [mark for mark in found(maps, photo.size, self.finder) if mark]

    def _artefacts(
        self,
        base: BaseModel,
        material: Material,
        recipe: Recipe,
        best: dict[str, Tensor],
        banks: Sequence[Tensor],
    ) -> list[Artefact]:
        size = SOFT_TOKENS + 1
        artefacts = []
        for i, (subject, bank) in enumerate(zip(material.subjects, banks, strict=True)):
            soft = range(i * SOFT_TOKENS, (i + 1) * SOFT_TOKENS)
            header = Header(
                method=self.name,
                base=base.fingerprint,
                tokens=(f"<{subject.name}>", *(f"<token{j}>" for j in soft)),
                recipe=asdict(recipe),
                data=material.fingerprint,
            )
            own = {name: rows[i * size : (i + 1) * size] for name, rows in best.items()}
            artefacts.append(Artefact(header, {**own, "patches": bank.cpu()}))
        return artefacts


def located(wording: Wording, slots: Sequence[Slot], marks: Sequence[Mark]) -> str:
    """What tells the model of the marks on a photo; it goes after what tells of the concepts."""
    return "".join(
        f"{wording.name(slots[mark.number - 1])} is located at 'Mark Number {mark.number}'. "
        for mark in marks
    )


def begin_as_words(base: BaseModel, rows: Mapping[str, nn.Parameter], names: Sequence[str]) -> None:
    """Lets each concept's name begin as a word that the model knows to be one, in place."""
    first = torch.arange(len(names)) * (SOFT_TOKENS + 1)
    known = torch.tensor(word_rows(base, names))
    with torch.no_grad():
        rows["read"][first] = base.own_embedding[known].to(rows["read"].dtype)
        rows["written"][first] = base.own_head[known].to(rows["written"].dtype)


def fresh_rows(base: BaseModel, banks: Sequence[Tensor], seed: int) -> dict[str, nn.Parameter]:
    """Untrained rows of several concepts, `read` and `written`, [m · 17, d] each.

    Args:
        base: The model.
        banks: [n, width] a concept: the patches that show it.
        seed: Of the rows that are written, which are drawn as transformers makes new ones.
    """
    norm = base.own_embedding.float().norm(dim=-1).mean().item()
    read = torch.cat([first_rows(projected(base, bank), SOFT_TOKENS, norm) for bank in banks])
    written = PUBLISHED_SCALE * torch.randn(
        read.shape, generator=torch.Generator().manual_seed(seed)
    )
    return {
        "read": nn.Parameter(read.to(base.device)),
        "written": nn.Parameter(written.to(base.device)),
    }
