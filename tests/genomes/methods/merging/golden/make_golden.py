"""Write the golden files: what mergekit makes of the checkpoints. Needs an environment of its own:

    python -m venv /tmp/mergekit
    /tmp/mergekit/bin/pip install torch==2.13.0 mergekit==0.1.5
    /tmp/mergekit/bin/python tests/genomes/methods/merging/golden/make_golden.py

mergekit draws random masks from torch's global generator, in the order in which it happens to merge tensors; the masks
that it drew are written beside its result, so that ours can be applied under the same ones.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import mergekit.sparsify
import torch
from checkpoints import NAMES, checkpoint
from mergekit.config import MergeConfiguration
from mergekit.merge import run_merge
from mergekit.options import MergeOptions
from safetensors.torch import load_file, save_file

HERE = Path(__file__).parent
SEED = 7

CASES = {
    # weights 1 : 2 : 0.5
    "linear": ("linear", None, {"base": {"weight": 1.0}, "ada": {"weight": 2.0}, "bob": {"weight": 0.5}}, {}),
    # ada weighs three times as much in attention, bob half as much in the second half, base four times in embeddings
    "linear_layers": (
        "linear",
        None,
        {
            "base": {"weight": [{"filter": "wte", "value": 4.0}, {"filter": "wpe", "value": 4.0}, {"value": 1.0}]},
            "ada": {"weight": [{"filter": "attn", "value": 6.0}, {"filter": "ln_1", "value": 6.0}, {"value": 2.0}]},
            "bob": {"weight": [{"filter": "h.1.", "value": 0.25}, {"filter": "ln_f", "value": 0.25}, {"value": 0.5}]},
        },
        {},
    ),
    "slerp": ("slerp", "base", {"base": {}, "ada": {}}, {"t": 0.3}),
    "task_arithmetic": ("task_arithmetic", "base", {"base": {}, "ada": {"weight": 0.6}, "bob": {"weight": 0.9}}, {}),
    # all of mergekit's defaults but density
    "ties": ("ties", "base", {"base": {}, "ada": {"weight": 1.0}, "bob": {"weight": 1.0}}, {"density": 0.5}),
    "ties_weighted": (
        "ties",
        "base",
        {"base": {}, "ada": {"weight": 1.0}, "bob": {"weight": 0.5}},
        {"density": 0.3, "lambda": 0.75},
    ),
    "dare_ties_dense": (
        "dare_ties",
        "base",
        {"base": {}, "ada": {"weight": 1.0}, "bob": {"weight": 0.5}},
        {"density": 1.0},
    ),
    "dare_ties": ("dare_ties", "base", {"base": {}, "ada": {"weight": 1.0}, "bob": {"weight": 0.5}}, {"density": 0.6}),
}


def main() -> None:
    drawn: list[tuple[torch.Tensor, torch.Tensor]] = []
    bernoulli = mergekit.sparsify.rescaled_masked_tensor

    def recorded(tensor: torch.Tensor, mask: torch.Tensor, *args: object, **kwargs: object) -> torch.Tensor:
        drawn.append((tensor.clone(), mask.clone()))
        return bernoulli(tensor, mask, *args, **kwargs)

    mergekit.sparsify.rescaled_masked_tensor = recorded
    with tempfile.TemporaryDirectory() as scratch:
        for name in NAMES:
            checkpoint(name).save_pretrained(Path(scratch) / name)
        for case, (method, base, models, parameters) in CASES.items():
            drawn.clear()
            document = {
                "merge_method": method,
                "dtype": "float32",
                "models": [{"model": str(Path(scratch) / name), "parameters": given} for name, given in models.items()],
                "parameters": parameters,
            }
            if base is not None:
                document["base_model"] = str(Path(scratch) / base)
            out = Path(scratch) / f"out-{case}"
            options = MergeOptions(copy_tokenizer=False, random_seed=SEED, quiet=True, write_model_card=False)
            run_merge(MergeConfiguration.model_validate(document), str(out), options)
            merged = load_file(out / "model.safetensors")
            if method == "dare_ties":
                merged.update(_masks(drawn, [name for name in models if name != base]))
            save_file(merged, HERE / f"{case}.safetensors")
            print(case, len(merged), "tensors")


def _masks(drawn: list[tuple[torch.Tensor, torch.Tensor]], members: list[str]) -> dict[str, torch.Tensor]:
    """The masks by member and tensor, found by the task vectors that they were drawn for."""
    masks = {}
    base = dict(checkpoint("base").named_parameters())
    for member in members:
        for tensor, value in checkpoint(member).named_parameters():
            for delta, mask in drawn:
                if delta.shape == value.shape and torch.equal(delta, value - base[tensor]):
                    masks[f"mask {member} {tensor}"] = mask.to(torch.uint8)
    return masks


if __name__ == "__main__":
    main()
