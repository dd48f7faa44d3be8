"""From a composition to one model of its members' shape: what it mixes in probabilities, this mixes in parameters.

A composition that is one member or one merge keeps its distributions exactly. Any other becomes a linear merge of the
models it runs, each weighing what it weighs in the composition; that is another function, so report.py measures it.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode, MemberNode, ResponseNode
from genomes.graph.recipe import MergeRecipe, without_merges
from genomes.methods.combiners import METHODS
from genomes.methods.merging import Linear
from genomes.methods.merging.layers import is_last_norm
from genomes.running.member_loader import MemberLoader
from genomes.running.merging.models import MergeError, MergingCatalogue, merged_model


@dataclass(frozen=True, slots=True)
class Unified:
    """One plain model, and how it came about.

    Attributes:
        kind: How it was made.
        model: In evaluation mode.
        tokenizer: The tokenizer that it reads with.
        notes: What was done, in sentences for report and card.
    """

    kind: Literal["merged", "distilled"]
    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    notes: tuple[str, ...]


def merge_composition(genome: Genome, catalogue: MemberLoader) -> Unified:
    """The composition as one model with merged weights.

    Drafts are left out, as is what a combiner learns from the context: a combiner with weights gives its inputs these,
    any other gives them equal ones. Temperatures become part of the model's last norm, which is exact for one
    temperature; of several it is their weighted mean. A marker stays what the user puts in front.

    Args:
        genome: A valid genome.
        catalogue: Loads its members.

    Raises:
        MergeError: The models that it runs have different shapes or tokenizers; names tensor and shapes.
    """
    plain, recipes = without_merges(genome)
    loader = MergingCatalogue(catalogue, recipes)
    shares = answer_shares(plain)
    by_name: dict[str, float] = defaultdict(float)
    temperature = 0.0
    for (name, member_temperature, _), share in shares.items():
        by_name[name] += share
        temperature += share * member_temperature
    members = {name: loader.load(name) for name in sorted(by_name)}
    has_drafts = any(isinstance(plain.nodes[edge.source], MemberNode) and edge.kind == "text" for edge in plain.edges)
    is_exact = len(shares) == 1 and not has_drafts
    markers = sorted({catalogue.marker(role) for _, _, role in shares if role is not None} - {""})
    described = ", ".join(f"{name} {share:.3f}" for name, share in sorted(by_name.items()))
    notes = [
        f"The model is {next(iter(members))}, whose distributions are the composition's"
        + (f" behind the marker {markers[0]!r}." if markers else ".")
        if is_exact
        else f"Linear merge of the models that answer, by their weight in the composition: {described}."
    ]
    if has_drafts:
        notes.append("Drafts are left out: one plain model writes none.")
    if len({temperature for _, temperature, _ in shares}) > 1:
        notes.append(f"Member temperatures differ; their weighted mean {temperature:.4g} is used.")
    if len(members) == 1:
        (member,) = members.values()
        model = copy.deepcopy(member.model)
    else:
        try:
            models = {name: member.model for name, member in members.items()}
            model = merged_model(MergeRecipe(Linear.name, {}, dict(sorted(by_name.items())), None, {}), models)
        except MergeError as error:
            raise MergeError(f"{error} To make one model of them all the same, distil it: --as distilled.") from None
    fold_temperature(model, temperature)
    tokenizer = next(iter(members.values())).tokenizer
    return Unified("merged", model, tokenizer, tuple(notes))


def answer_shares(plain: Genome) -> Mapping[tuple[str, float, str | None], float]:
    """What every member that answers weighs in the response, by name, temperature and role; sums to 1.

    Args:
        plain: A genome without merges.
    """
    shares: dict[tuple[str, float, str | None], float] = defaultdict(float)
    ((response_id, _),) = plain.of_type(ResponseNode).items()
    waiting = [(plain.inputs(response_id)[0].source, 1.0)]
    while waiting:
        node_id, share = waiting.pop()
        node = plain.nodes[node_id]
        if isinstance(node, MemberNode):
            shares[node.member, node.temperature, node.role] += share
        elif isinstance(node, CombinerNode):
            edges = plain.inputs(node_id)
            has_weights = METHODS[node.method].has_weights
            weights = [(edge.weight or 1.0) if has_weights else 1.0 for edge in edges]
            waiting += [
                (edge.source, share * weight / sum(weights)) for edge, weight in zip(edges, weights, strict=True)
            ]
    return dict(sorted(shares.items(), key=lambda item: (*item[0][:2], item[0][2] or "")))


@torch.no_grad()
def fold_temperature(model: PreTrainedModel, temperature: float) -> None:
    """Divide a model's logits by a temperature, in its weights: logits are linear in what the last norm gives.

    Raises:
        MergeError: The model has no norm after its blocks.
    """
    if temperature == 1.0:
        return
    blocks = model.config.num_hidden_layers
    norms = [tensor for name, tensor in model.named_parameters() if is_last_norm(name, num_blocks=blocks)]
    if not norms:
        raise MergeError(
            f"{type(model).__name__} has no norm after its blocks, which would take the temperature {temperature:.4g}. "
            "To make one model all the same, distil it: --as distilled."
        )
    for tensor in norms:
        tensor /= temperature
