"""Trains the pocket models: ``python -m pocket.train MODEL [--minutes N] [--resume]``.

Everything a run needs is drawn by Playroom; checkpoints, logs and curves stand in
``runs/pocket/``, the finished weights in ``pocket/weights/``. ``views`` goes on with the CLIP by
views alone; ``words`` trains the language model of the LLaVA on text, ``llava`` joins it with the
trained CLIP. To resume is to go on from the last checkpoint, or from the shipped weights where
there is none.
"""

import argparse
from pathlib import Path

import numpy as np
from open_clip.model import CLIP
from safetensors.torch import load_file
from transformers import LlavaForConditionalGeneration, PreTrainedTokenizerFast

from pocket import clip, detector, llava, llava_format, llava_start
from pocket.bank import Bank, Plan, make
from pocket.dialogue import Author
from pocket.llava_batches import Album

RUNS = Path("runs/pocket")
WEIGHTS = Path(__file__).parent / "weights"
TRAIN = Plan("train", families=5000, scenes=26000, seed=6, staged=0.7, letterboxed=True)
VIEWS = Plan("train", families=5000, scenes=24000, seed=7, staged=0.7, letterboxed=True)
"""What the CLIP looks at in the end, by views alone."""
TALK = Plan("train", families=1800, scenes=12000, seed=2)
"""What the LLaVA talks about: identities that its eyes were not trained on, as its users' are."""
STAGED = Plan("train", 3000, scenes=16000, seed=3, staged=0.75, pixels=detector.PIXELS)
"""What the detector looks at: things as small and as dressed as a dataset's layouts want them."""
STAGED_CHECK = Plan("validation", 120, scenes=600, staged=0.75, pixels=detector.PIXELS)


def bank(plan: Plan) -> Bank:
    """A bank under ``runs/pocket/bank``, drawn on first use."""
    return make(RUNS / "bank", plan)


def trained_clip() -> CLIP:
    """The shipped CLIP, float32."""
    model = clip.build()
    model.load_state_dict(load_file(WEIGHTS / "clip" / "open_clip_model.safetensors"))
    return model.float()


def train_detector(minutes: float, device: str, resume: bool) -> None:
    """Trains and exports the detector."""
    shipped = WEIGHTS / "detector" / "detector.pt"
    start = str(shipped) if resume else detector.ARCHITECTURE
    folder = RUNS / "detector"
    weights = detector.train(start, bank(STAGED), bank(STAGED_CHECK), folder, minutes, device)
    detector.export(weights, shipped)


def train_clip(minutes: float, device: str, resume: bool) -> None:
    """Trains and exports the CLIP."""
    model = trained_clip() if resume else clip.build()
    clip.train(model, bank(TRAIN), RUNS / "clip", minutes, device, resume=resume)
    clip.export(model, WEIGHTS / "clip")


def train_views(minutes: float, device: str, resume: bool) -> None:
    """Goes on with the shipped CLIP by views alone, or with the last checkpoint of that."""
    model, folder = trained_clip(), RUNS / "views"
    clip.train(model, bank(VIEWS), folder, minutes, device, resume=resume, views_alone=True)
    clip.export(model, WEIGHTS / "clip")


def train_words(minutes: float, device: str, resume: bool) -> None:
    """Trains the LLaVA's language model on text alone."""
    pictures, folder = bank(TALK), RUNS / "words"
    if not resume:
        tokenizer = llava_format.train_tokenizer(corpus(pictures))
        tokenizer.save_pretrained(folder / "tokenizer")
        model = llava.build(tokenizer)
        llava_start.copy(model)
    elif (folder / "state.pt").exists():
        model, tokenizer = untrained_llava(folder / "tokenizer")
    else:
        model, tokenizer = shipped_llava()
        tokenizer.save_pretrained(folder / "tokenizer")
    llava.train(model, pictures, None, tokenizer, folder, minutes, device, resume=resume)
    llava_format.export(model, trained_clip(), tokenizer, WEIGHTS / "llava")


def train_llava(minutes: float, device: str, resume: bool) -> None:
    """Joins the shipped CLIP's eyes with the shipped language model, and trains that.

    Where it is resumed it keeps the eyes that it learned by.
    """
    pictures, eyes = bank(TALK), trained_clip()
    model, tokenizer = shipped_llava()
    if resume:
        llava_format.load_eyes(eyes, WEIGHTS / "llava")
    album = Album(pictures, eyes.to(device), device)
    if not resume:
        llava_start.look(model, pictures, album)
    llava.train(model, pictures, album, tokenizer, RUNS / "llava", minutes, device, resume=resume)
    llava_format.export(model, eyes, tokenizer, WEIGHTS / "llava")


def shipped_llava() -> tuple[LlavaForConditionalGeneration, PreTrainedTokenizerFast]:
    """The shipped LLaVA without its vision tower's weights, float32, and its tokenizer."""
    model, tokenizer = untrained_llava(WEIGHTS / "llava")
    llava_format.load(model, WEIGHTS / "llava")
    return model, tokenizer


def untrained_llava(
    words: Path,
) -> tuple[LlavaForConditionalGeneration, PreTrainedTokenizerFast]:
    """A LLaVA that knows nothing yet, for the tokenizer in a folder."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(words)
    return llava.build(tokenizer), tokenizer


def corpus(pictures: Bank, count: int = 12000) -> list[str]:
    """Texts for the tokenizer: turns of every kind of conversation."""
    author, rng = Author(pictures, seed=0), np.random.default_rng(0)
    texts = []
    for _ in range(count // 3):
        scene = int(rng.integers(len(pictures.images)))
        for talk in (author.spoken(seen=True), author.plain(scene), author.personal(scene)):
            texts += [f"USER: {talk.opening}"]
            texts += [f"{question} ASSISTANT: {answer}" for question, answer in talk.turns]
    return [text.replace(llava_format.IMAGE, "") for text in texts]


RECIPES = {
    "detector": train_detector,
    "clip": train_clip,
    "views": train_views,
    "words": train_words,
    "llava": train_llava,
}


def main() -> None:
    """Reads the command line and trains."""
    parser = argparse.ArgumentParser(prog="python -m pocket.train", description=__doc__)
    parser.add_argument("model", choices=RECIPES)
    parser.add_argument("--minutes", type=float, default=60, help="how long to train")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--resume", action="store_true", help="go on from what is there")
    chosen = parser.parse_args()
    RECIPES[chosen.model](chosen.minutes, chosen.device, chosen.resume)


if __name__ == "__main__":
    main()
