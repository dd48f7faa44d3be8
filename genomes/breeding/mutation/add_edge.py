"""Feed what a node computes already into a further combiner."""

from __future__ import annotations

from functools import partial

import numpy as np

from genomes.breeding.editing import Blueprint, Input, first_fitting
from genomes.breeding.genes import drawn_weight
from genomes.breeding.limits import CompositionLimits
from genomes.breeding.space_rules import tokenizer_at
from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode


def add_edge(genome: Genome, space: CompositionLimits, *, rng: np.random.Generator) -> Genome:
    """A genome in which a member, merge or combiner feeds one combiner more, without a cycle.

    Args:
        genome: A valid genome; stays as it is.
        space: The tokenizers and limits.
        rng: Draws the edge and its weight.
    """
    edits = []
    for target, node in genome.of_type(CombinerNode).items():
        tokenizer_key = tokenizer_at(genome, target, space)
        taken = {target, *genome.descendants(target), *(edge.source for edge in genome.inputs(target))}
        edits += [
            partial(_feed, source=source, target=target, node=node, rng=rng)
            for source in [*space.believers(genome), *genome.of_type(CombinerNode)]
            if source not in taken and (node.chooses_answers or tokenizer_at(genome, source, space) == tokenizer_key)
        ]
    return first_fitting(genome, space, edits, rng=rng)


def _feed(blueprint: Blueprint, *, source: str, target: str, node: CombinerNode, rng: np.random.Generator) -> None:
    blueprint.inputs[target].append(Input(source, "distribution", drawn_weight(node, rng=rng)))
