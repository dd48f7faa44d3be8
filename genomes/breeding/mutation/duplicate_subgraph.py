"""Copy a part of the genome, change a gene in the copy, and join the two."""

from __future__ import annotations

from functools import partial

import numpy as np

from genomes.breeding.editing import Blueprint, Input, first_fitting
from genomes.breeding.genes import drawn_weight, gene_sites, insert_combiner, pick
from genomes.breeding.limits import CompositionLimits
from genomes.breeding.mutation.tweak_gene import tweak
from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode, MemberNode, MergeNode
from genomes.graph.parts import is_joined


def duplicate_subgraph(genome: Genome, space: CompositionLimits, *, rng: np.random.Generator) -> Genome:
    """A genome in which a distribution stands beside a copy of itself that differs in one gene.

    The copy becomes a further input of the combiner that takes the original; where that is the response, a new
    combiner joins the two. Parts of the copy that do not depend on the changed gene stay shared.

    Args:
        genome: A valid genome; stays as it is.
        space: The ranges and limits.
        rng: Draws the part, the gene and its value, and the genes of what is new.
    """
    original = Blueprint(genome)
    num_joins = len(genome.of_type(CombinerNode)) + len(genome.of_type(MergeNode))
    has_room: dict[type, bool] = {
        MemberNode: len(genome.of_type(MemberNode)) < space.max_member_nodes,
        CombinerNode: num_joins < space.max_combiners,
        MergeNode: num_joins < space.max_combiners,
    }
    edits = [
        partial(_double, source=edge.source, target=edge.target, changed=changed, space=space, rng=rng)
        for edge in genome.edges
        if is_joined(genome, edge)
        for changed in sorted(original.upstream(edge.source))
        if has_room.get(type(genome.nodes[changed])) and gene_sites(original, space, node_ids=[changed])
    ]
    return first_fitting(genome, space, edits, rng=rng)


def _double(
    blueprint: Blueprint,
    *,
    source: str,
    target: str,
    changed: str,
    space: CompositionLimits,
    rng: np.random.Generator,
) -> None:
    copies = blueprint.graft(blueprint, source)
    taker = blueprint.nodes[target]
    if isinstance(taker, CombinerNode):
        blueprint.inputs[target].append(Input(copies[source], "distribution", drawn_weight(taker, rng=rng)))
    else:
        insert_combiner(blueprint, target, [source, copies[source]], space, rng=rng)
    site = pick(gene_sites(blueprint, space, node_ids=[copies[changed]]), rng=rng)
    tweak(blueprint, site=site, rng=rng)
