"""Mutations: one operator per file, ``operator(genome, space, *, rng) -> genome``, registered here in one line each.

An operator never changes its input, gives a valid canonical genome within the space's limits, and gives the very
object that it was given where it finds nothing to change. Weights are relative to each other; how often each kind of
gene changes by them is measured in tests/genomes/breeding/test_variation.py.
"""

from genomes.breeding.mutation.add_draft import add_draft
from genomes.breeding.mutation.add_edge import add_edge
from genomes.breeding.mutation.add_member import add_member
from genomes.breeding.mutation.change_merge import change_merge
from genomes.breeding.mutation.change_method import change_method
from genomes.breeding.mutation.duplicate_subgraph import duplicate_subgraph
from genomes.breeding.mutation.group_inputs import group_inputs
from genomes.breeding.mutation.merge_members import merge_members
from genomes.breeding.mutation.remove_draft import remove_draft
from genomes.breeding.mutation.remove_edge import remove_edge
from genomes.breeding.mutation.remove_node import remove_node
from genomes.breeding.mutation.swap_member import swap_member
from genomes.breeding.mutation.tweak_block import tweak_block
from genomes.breeding.mutation.tweak_gene import tweak_gene
from genomes.breeding.mutation.tweak_layers import tweak_layers
from genomes.breeding.mutation.unmerge import unmerge

MUTATIONS = {
    "tweak_gene": (tweak_gene, 0.30),
    "tweak_block": (tweak_block, 0.20),
    "swap_member": (swap_member, 0.18),
    "change_method": (change_method, 0.06),
    "add_member": (add_member, 0.09),
    "group_inputs": (group_inputs, 0.03),
    "add_edge": (add_edge, 0.05),
    "add_draft": (add_draft, 0.05),
    "remove_node": (remove_node, 0.05),
    "remove_edge": (remove_edge, 0.02),
    "remove_draft": (remove_draft, 0.04),
    "duplicate_subgraph": (duplicate_subgraph, 0.05),
}

REFINED = {"tweak_gene": 0.20, "tweak_block": 0.60}
"""Some weights after a search on likelihood: these tune what it could not see, decoding and what goes with it."""

UNREFINED = 0.2
"""The part of their weights that all others keep then: they would change what that search has found."""

MERGE_MUTATIONS = {
    "merge_members": (merge_members, 0.08),
    "change_merge": (change_merge, 0.05),
    "tweak_layers": (tweak_layers, 0.04),
    "unmerge": (unmerge, 0.04),
}
"""Drawn with the others in spaces that have merge methods, and nowhere else."""

__all__ = ["MERGE_MUTATIONS", "MUTATIONS", "REFINED", "UNREFINED", *sorted(MUTATIONS), *sorted(MERGE_MUTATIONS)]
