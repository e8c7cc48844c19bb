"""The start hands identity on and compares it, before anything is learned."""

import torch

from pocket import llava, llava_format, llava_start

TEXTS = ["USER: Can you see <bo> in this photo? ASSISTANT: Yes"]


def features(identities: int = 80, each: int = 40) -> tuple[torch.Tensor, torch.Tensor]:
    """Patches that differ by identity in 70 directions, and a hundred times more in others."""
    generator = torch.Generator().manual_seed(0)
    owners = torch.arange(identities).repeat_interleave(each)
    who = torch.zeros(identities, 192)
    who[:, :70] = torch.randn(identities, 70, generator=generator)
    noise = torch.randn(len(owners), 192, generator=generator)
    noise[:, :70] *= 0.2
    noise[:, 70:] *= 20
    return who[owners] + noise + 3, owners


def test_axes_find_identity_under_larger_noise() -> None:
    patches, owners = features()
    axes, centre = llava_start.identity_axes(patches, owners)
    places = (patches - centre) @ axes.T
    again = torch.nn.functional.normalize(places, dim=-1)
    alike = again[::40] @ again[1::40].T  # two patches of each identity
    assert (alike.argmax(1) == torch.arange(80)).float().mean() > 0.95
    within = (places - places.view(80, 40, -1).mean(1).repeat_interleave(40, 0)).std(0)
    assert torch.allclose(within, torch.ones(llava_start.AXES), atol=0.1)


def test_the_projector_hands_the_coordinates_on_unchanged() -> None:
    model = llava.build(llava_format.train_tokenizer(TEXTS))
    patches, owners = features()
    axes, centre = llava_start.identity_axes(patches, owners)
    llava_start.hand_on(model, axes, centre)
    with torch.inference_mode():
        told = model.model.multi_modal_projector(patches)[:, : llava_start.AXES]
    wanted = llava_start.HANDED_ON * (patches - centre) @ axes.T
    assert torch.allclose(told, wanted, atol=1e-2)


def test_a_query_meets_the_key_of_its_own_identity_wherever_it_stands() -> None:
    model = llava.build(llava_format.train_tokenizer(TEXTS))
    llava_start.compare(model)
    core = model.model.language_model
    tokens = torch.zeros(1, 300, 256)
    tokens[..., : llava_start.AXES] = torch.randn(
        300, llava_start.AXES, generator=torch.Generator().manual_seed(1)
    )
    tokens[0, 299] = tokens[0, 10]  # the same identity, 289 places apart
    layer = core.layers[llava_start.LAYERS[0]].self_attn
    read = core.layers[0].input_layernorm(tokens)
    cosine, sine = core.rotary_emb(read, torch.arange(300)[None])
    queries, keys = (weight(read).view(300, 4, 64)[:, 0] for weight in (layer.q_proj, layer.k_proj))

    def turned(x: torch.Tensor) -> torch.Tensor:
        half = torch.cat([-x[:, 32:], x[:, :32]], 1)
        return x * cosine[0] + half * sine[0]

    scores = turned(queries)[299] @ turned(keys)[:299].T
    assert int(scores.argmax()) == 10


def test_a_repeated_text_is_gone_on_with_before_anything_is_learned() -> None:
    torch.manual_seed(0)
    model = llava.build(llava_format.train_tokenizer(TEXTS)).eval()
    llava_start.copy(model)
    generator = torch.Generator().manual_seed(2)
    words = torch.randperm(len(model.lm_head.weight), generator=generator)[:60]
    text = torch.cat([words[:50], words[10:30]])  # twenty of the fifty come again
    with torch.inference_mode():
        logits = model(input_ids=text[None]).logits[0]
    ranks = (logits > logits.gather(1, text.roll(-1)[:, None])).sum(1)
    assert ranks[51:69].float().median() <= 1
    assert ranks[:49].float().median() > 20
