"""A SAM with the real architecture and files, small and random."""

from pathlib import Path

import torch
from transformers import (
    SamConfig,
    SamImageProcessor,
    SamMaskDecoderConfig,
    SamModel,
    SamProcessor,
    SamPromptEncoderConfig,
    SamVisionConfig,
)

SIDE = 64  # of the network's square input


def write_sam(folder: Path) -> Path:
    """Its folder, as model hubs publish one."""
    torch.manual_seed(5)
    config = SamConfig(
        vision_config=SamVisionConfig(
            hidden_size=16, num_hidden_layers=2, num_attention_heads=2, image_size=SIDE,
            patch_size=8, output_channels=16, mlp_dim=32, window_size=4, global_attn_indexes=[1],
            num_pos_feats=8,
        ),
        prompt_encoder_config=SamPromptEncoderConfig(
            hidden_size=16, image_size=SIDE, patch_size=8, mask_input_channels=4
        ),
        mask_decoder_config=SamMaskDecoderConfig(
            hidden_size=16, mlp_dim=32, num_hidden_layers=2, num_attention_heads=2,
            iou_head_hidden_dim=16,
        ),
    )  # fmt: skip
    model = SamModel(config)
    for parameter in model.parameters():  # zero where it starts, it would draw nothing anywhere
        torch.nn.init.normal_(parameter, std=0.3)
    model.save_pretrained(folder)
    images = SamImageProcessor(
        size={"longest_edge": SIDE},
        pad_size={"height": SIDE, "width": SIDE},
        mask_size={"longest_edge": SIDE // 4},
        mask_pad_size={"height": SIDE // 4, "width": SIDE // 4},
    )
    SamProcessor(images).save_pretrained(folder)
    return folder
