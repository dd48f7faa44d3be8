"""Merging by the book, in float64 numpy: the oracle of the tests, sharing no arithmetic with the methods.

Slow and plain: coordinate by coordinate where the definition is. Random masks are the exception: they are drawn as
``dare_ties`` draws them, because there is no other right answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from genomes.graph.genome import Genome
from genomes.graph.nodes import MemberNode, MergeNode
from genomes.methods.merging.dare_ties import keep_mask

Floats = npt.NDArray[np.float64]


def reference_weights(genome: Genome, node_id: str, members: Mapping[str, Any]) -> dict[str, Floats]:
    """The merged tensors of a merge node by name, from loaded members by name."""
    node = genome.nodes[node_id]
    assert isinstance(node, MergeNode)
    given: dict[str, float] = {}
    for edge in genome.inputs(node_id):
        lender = genome.nodes[edge.source]
        if edge.kind == "weights" and isinstance(lender, MemberNode) and edge.weight is not None:
            given[lender.member] = edge.weight
    models = {name: members[name].model for name in given}
    num_blocks = next(iter(models.values())).config.n_layer
    merged = {}
    for tensor in dict(next(iter(models.values())).named_parameters()):
        weights = {
            name: weight
            * float(np.prod([node.layers.get(group, {}).get(name, 1.0) for group in _groups(tensor, num_blocks)]))
            for name, weight in given.items()
        }
        values = {
            name: dict(model.named_parameters())[tensor].detach().double().numpy() for name, model in models.items()
        }
        merged[tensor] = _merged(node, values, weights, tensor)
    return merged


def _merged(node: MergeNode, values: Mapping[str, Floats], weights: Mapping[str, float], tensor: str) -> Floats:
    if node.method == "linear":
        return np.asarray(sum(weights[name] * values[name] for name in values) / sum(weights.values()))
    if node.method == "slerp":
        return _slerp(*values.values(), share=list(weights.values())[1] / sum(weights.values()))
    assert node.base is not None
    base = values[node.base]
    others = [name for name in values if name != node.base]
    deltas = [values[name] - base for name in others]
    strengths = [weights[name] / weights[node.base] for name in others]
    if node.method == "task_arithmetic":
        return np.asarray(base + sum(strength * delta for strength, delta in zip(strengths, deltas, strict=True)))
    density = float(node.parameters["density"])
    if node.method == "ties":
        trimmed = [_trimmed(delta, density) for delta in deltas]
        return base + np.mean(strengths) * _elected(trimmed, strengths, is_average=True)
    assert node.method == "dare_ties"
    if density < 1.0:
        seed = int(node.parameters["mask_seed"])
        for index, name in enumerate(others):
            mask = keep_mask(torch.from_numpy(deltas[index]), density, seed=seed, place=f"{tensor} of {name}").numpy()
            kept = deltas[index] * mask
            if np.abs(deltas[index]).sum() >= 1e-7 and np.abs(kept).sum() >= 1e-7:
                kept = kept * (np.abs(deltas[index]).sum() / np.abs(kept).sum())
            deltas[index] = kept
    return base + _elected(deltas, strengths, is_average=False)


def _slerp(first: Floats, second: Floats, *, share: float) -> Floats:
    lengths = np.linalg.norm(first), np.linalg.norm(second)
    if min(lengths) <= 1e-8:
        cosine = 0.0
    else:
        cosine = float(np.clip(np.vdot(first, second) / (lengths[0] * lengths[1]), -1.0, 1.0))
    if abs(cosine) > 0.9995:
        return np.asarray((1 - share) * first + share * second)
    angle = np.arccos(cosine)
    return np.asarray((np.sin((1 - share) * angle) * first + np.sin(share * angle) * second) / np.sin(angle))


def _trimmed(delta: Floats, density: float) -> Floats:
    if density >= 1.0:
        return delta
    smallest_kept = np.sort(np.abs(delta), axis=None)[-max(1, int(density * delta.size))]
    return np.where(np.abs(delta) >= smallest_kept, delta, 0.0)


def _elected(deltas: Sequence[Floats], strengths: Sequence[float], *, is_average: bool) -> Floats:
    flat = np.stack([delta.ravel() for delta in deltas])
    result = np.zeros(flat.shape[1])
    for place, column in enumerate(flat.T):
        sign = 1.0 if np.dot(strengths, column) >= 0 else -1.0
        agreeing = [(s, d) for s, d in zip(strengths, column, strict=True) if np.sign(d) == sign]
        total = sum(s * d for s, d in agreeing)
        result[place] = total / sum(s for s, _ in agreeing) if agreeing and is_average else total
    return result.reshape(deltas[0].shape)


def _groups(tensor: str, num_blocks: int) -> list[str]:
    if any(name in tensor for name in ("wte", "wpe", "lm_head")):
        return ["embeddings"]
    if "ln_f" in tensor:
        return ["late"]
    block = int(tensor.split(".h.")[1].split(".")[0])
    depth = ["early", "middle", "late"][int(3 * (block + 0.5) / num_blocks)]
    return [depth, "attention" if ".attn." in tensor or ".ln_1." in tensor else "mlp"]
