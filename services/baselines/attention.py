"""What attention looks at, while a block runs."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn


@contextmanager
def noted(network: Any, modules: Iterable[nn.Module]) -> Iterator[list[Tensor]]:  # noqa: ANN401
    """A list that fills with attention probabilities: one [rows, heads, queries, keys] a call.

    Args:
        network: The transformers model that `modules` are parts of. It computes attention step by
            step inside the block; the fused kernels keep no probabilities.
        modules: Attention layers that return their output and their probabilities.
    """
    found: list[Tensor] = []

    def note(_module: nn.Module, _inputs: Any, output: Any) -> None:  # noqa: ANN401 - torch's shape
        found.append(output[1])

    before = network.config._attn_implementation
    network.set_attn_implementation("eager")
    hooks = [module.register_forward_hook(note) for module in modules]
    try:
        yield found
    finally:
        for hook in hooks:
            hook.remove()
        network.set_attn_implementation(before)
