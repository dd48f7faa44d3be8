"""A member on another device or in another arithmetic: its tensors converted on this side, then sent over once.

Weights of loaded members are pages of their files, which all processes of a machine share. Nothing here copies them as
they are: they are narrowed first, so that half the bytes travel, and sent from pinned memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from transformers import PreTrainedModel


def copied(model: PreTrainedModel, *, device: torch.device, dtype: torch.dtype) -> PreTrainedModel:
    """The same model in other tensors, without gradients and in evaluation mode; tied tensors stay tied.

    Args:
        model: Stays as it is.
        device: Where the copy is.
        dtype: Of its floating-point tensors.
    """
    with torch.device("meta"):
        copy = type(model)(model.config)
    copy.generation_config = model.generation_config
    moved: dict[tuple[int, torch.Size], torch.Tensor] = {}

    def once(tensor: torch.Tensor) -> torch.Tensor:
        key = tensor.data_ptr(), tensor.shape
        if key not in moved:
            moved[key] = _moved(tensor, device=device, dtype=dtype)
        return moved[key]

    copy.load_state_dict({name: once(tensor) for name, tensor in model.state_dict().items()}, assign=True)
    copy.tie_weights()
    for name, module in model.named_modules():  # What is not saved would stay on the meta device.
        twin = copy.get_submodule(name)
        for leaf in module._non_persistent_buffers_set:  # As it is: frequencies and the like are needed in float32.
            twin.register_buffer(leaf, module.get_buffer(leaf).to(device), persistent=False)
        for leaf, value in vars(module).items():
            if isinstance(value, torch.Tensor):
                setattr(twin, leaf, value.to(device))
    return copy.eval().requires_grad_(False)


def _moved(tensor: torch.Tensor, *, device: torch.device, dtype: torch.dtype) -> torch.Tensor:
    narrowed = tensor.detach().to(dtype) if tensor.is_floating_point() else tensor.detach()
    if device.type == "cuda":
        return narrowed.pin_memory().to(device, non_blocking=True)
    return narrowed.to(device, copy=True)
