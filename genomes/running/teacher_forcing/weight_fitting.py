"""A birth at its best weights: a genome in, the same genome with fitted weights out (Lamarckian, from kept outputs).

Combiners are fitted one by one, inputs first, each to the NLL of the replies (the mean over replies of nats per token,
which is what the objective ``nll`` says) under its own distributions. Which genes of a method are fitted, and how, is
said in the method's file (``Combiner.fitted``). Other genes, structure above all, stay as they are. The numbers of
learned combiners are another matter, see genomes/running/fitting.py: they are no genes.
"""

from __future__ import annotations

import math
from dataclasses import replace

from cachetools import FIFOCache

from genomes.graph.genome import Genome
from genomes.graph.identity import canonical_genome
from genomes.graph.nodes import CombinerNode
from genomes.graph.parts import part_of
from genomes.graph.serialization import genome_to_json
from genomes.methods import optimisers
from genomes.methods.combiners import COMBINERS, METHODS, Combiner, Fit
from genomes.methods.ranges import defaults_of
from genomes.running.teacher_forcing.computation import GenomeLikelihoods, NotKeptError
from genomes.running.teacher_forcing.likelihoods import TeacherForcing
from genomes.running.threads import torch_threads

DECIMALS = 4
"""Genes have so many; finer differences would tell genomes apart that are alike."""

_LEAST_WEIGHT = 1e-4
_MEMO_ENTRIES = 4096


class WeightFitter:
    """Fits genomes to the replies of an evaluation set, and remembers what it has fitted.

    Args:
        forcing: Holds the members' outputs on the replies.
    """

    def __init__(self, forcing: TeacherForcing) -> None:
        self._forcing = forcing
        self._known: FIFOCache[str, Fit] = FIFOCache(_MEMO_ENTRIES)

    def fitted(self, genome: Genome) -> Genome:
        """The genome with fitted weights in canonical form; its NLL on the replies is never higher than before.

        Weights that a combiner had before do not count, apart from that: genomes that differ in nothing else become
        equal. A genome whose likelihood does not follow from kept outputs (see ``NotKeptError``) comes back as it is,
        and so does one without anything to fit.
        """
        if not any(_is_fittable(node) for node in genome.of_type(CombinerNode).values()):
            return genome
        with torch_threads(1):  # Sums of floats depend on the number of threads, and genes must not.
            try:
                best, loss = canonical_genome(genome), self._loss(genome)
                for node_id in best.topological_order():
                    node = best.nodes[node_id]
                    if isinstance(node, CombinerNode) and _is_fittable(node):
                        changed = _with(best, node_id, node, self._fit(best, node_id, node))
                        if (changed_loss := self._loss(changed)) <= loss:
                            best, loss = changed, changed_loss
            except NotKeptError:
                return genome
        return canonical_genome(best)

    def _loss(self, genome: Genome) -> float:
        return math.fsum(one.nll_nats / one.num_tokens for one in self._forcing.kept_likelihoods(genome))

    def _fit(self, genome: Genome, node_id: str, node: CombinerNode) -> Fit:
        # Slots of a canonical genome do not depend on the weights, so they mean the same to all who share a key.
        neutral = part_of(_with(genome, node_id, node, _neutral(genome, node_id, node)), node_id)
        key = genome_to_json(neutral)
        if key not in self._known:
            combiner = COMBINERS[node.method]
            given = GenomeLikelihoods(self._forcing.kept, neutral).top_inputs()
            fit = combiner.fitted(given, optimisers=optimisers)
            if fit is None:
                raise NotKeptError(f"The genes of a combiner {node.method!r} do not follow from what is kept.")
            self._known[key] = rounded(fit, combiner)
        return self._known[key]


def rounded(fit: Fit, combiner: Combiner) -> Fit:
    """The fit as genes: parameters within their ranges, weights above 0 and relative to the largest."""
    parameters = {
        name: min(max(round(value, DECIMALS), float(allowed.low)), float(allowed.high))
        for name, value in fit.parameters.items()
        for allowed in [combiner.parameters[name]]
    }
    if fit.weights is None:
        return Fit(None, parameters)
    largest = max(fit.weights)
    return Fit([max(round(weight / largest, DECIMALS), _LEAST_WEIGHT) for weight in fit.weights], parameters)


def _is_fittable(node: CombinerNode) -> bool:
    return node.method in COMBINERS and COMBINERS[node.method].is_fittable


def _neutral(genome: Genome, node_id: str, node: CombinerNode) -> Fit:
    method = METHODS[node.method]
    weights = [1.0] * len(genome.inputs(node_id)) if method.has_weights else None
    return Fit(weights, defaults_of(method.parameters))


def _with(genome: Genome, node_id: str, node: CombinerNode, fit: Fit) -> Genome:
    nodes = {**genome.nodes, node_id: replace(node, parameters={**node.parameters, **fit.parameters})}
    if fit.weights is None:
        return Genome(nodes, genome.edges)
    by_slot = dict(zip((edge.slot for edge in genome.inputs(node_id)), fit.weights, strict=True))
    edges = [replace(edge, weight=by_slot[edge.slot]) if edge.target == node_id else edge for edge in genome.edges]
    return Genome(nodes, edges)
