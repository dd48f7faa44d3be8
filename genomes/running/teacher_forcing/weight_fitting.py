"""A birth at its best weights: a genome in, the same genome with fitted weights out (Lamarckian, from kept outputs).

What is fitted, each to the NLL of the replies (the mean over replies of nats per token, which is what the objective
``nll`` says) under the combiner's own mixture, inputs first:

========== ============================ ======================
method     genes                        how (optimisers.py)
========== ============================ ======================
weighted   weights                      EM, one maximum
vote       smoothing                    EM, one maximum
product    sharpness and weights        L-BFGS, one maximum
bayesian   tempering and prior weights  L-BFGS, a local one
========== ============================ ======================

Other genes, structure above all, stay as they are. Numbers that learned combiners (`stack`, `prompt_gate`) are fitted
to are another matter, see genomes/running/fitting.py: they are no genes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
from cachetools import FIFOCache

from genomes.graph.genome import Genome
from genomes.graph.identity import canonical_genome
from genomes.graph.nodes import CombinerNode
from genomes.graph.parts import part_of
from genomes.graph.serialization import genome_to_json
from genomes.methods.combiners import COMBINERS, METHODS
from genomes.methods.parameters import Gene
from genomes.running.teacher_forcing.computation import GenomeLikelihoods, NotKeptError
from genomes.running.teacher_forcing.likelihoods import TeacherForcing
from genomes.running.teacher_forcing.optimisers import Floats, gated_weights, mixture_weights, pool_exponents

DECIMALS = 4
"""Genes have so many; finer differences would tell genomes apart that are alike."""

_LEAST_WEIGHT = 1e-4
_PIECE_NUMBERS = 1 << 18
_COARSE = 8  # Exponents are first fitted to every so many-th token: a good start at little cost.
_MEMO_ENTRIES = 4096


@dataclass(frozen=True, slots=True)
class Fit:
    """The fitted genes of one combiner.

    Attributes:
        parameters: The parameters that were fitted.
        weights: Relative to the largest, by slot; None where the method has no weights.
    """

    parameters: Mapping[str, Gene]
    weights: tuple[float, ...] | None


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
        fittable = [node for node in genome.of_type(CombinerNode).values() if node.method in FITS]
        if not fittable:
            return genome
        with _one_thread():
            try:
                best, loss = canonical_genome(genome), self._loss(genome)
                for node_id in best.topological_order():
                    node = best.nodes[node_id]
                    if isinstance(node, CombinerNode) and node.method in FITS:
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
            self._known[key] = FITS[node.method](GenomeLikelihoods(self._forcing, neutral), node)
        return self._known[key]


def _fitted_weighted(given: GenomeLikelihoods, node: CombinerNode) -> Fit:
    return Fit({}, _relative(mixture_weights(given.input_targets().astype(np.float64), given.token_shares())))


def _fitted_vote(given: GenomeLikelihoods, node: CombinerNode) -> Fit:
    votes = given.input_hits().mean(axis=0, dtype=np.float64)
    mean = np.exp(given.input_targets().astype(np.float64)).mean(axis=0)
    with np.errstate(divide="ignore"):
        smoothing = float(mixture_weights(np.log(np.stack([votes, mean])), given.token_shares())[1])
    return Fit({"smoothing": _kept(node.method, "smoothing", smoothing)}, None)


def _fitted_bayesian(given: GenomeLikelihoods, node: CombinerNode) -> Fit:
    allowed = COMBINERS[node.method].parameters["tempering"]
    weights, tempering = gated_weights(
        given.input_targets().astype(np.float64),
        given.token_shares(),
        given.input_evidence().astype(np.float64),
        low=allowed.low,
        high=allowed.high,
    )
    return Fit({"tempering": _kept(node.method, "tempering", tempering)}, _relative(weights))


def _fitted_product(given: GenomeLikelihoods, node: CombinerNode) -> Fit:
    targets, shares = given.input_targets().astype(np.float64), given.token_shares()
    highest = float(COMBINERS[node.method].parameters["sharpness"].high)
    exponents = np.full(len(targets), 1.0 / len(targets))
    for step in (_COARSE, 1):
        counts = shares[::step] / shares[::step].sum()
        expected = partial(_expected, given, counts=counts, step=step)
        exponents = pool_exponents(targets[:, ::step], counts, expected, start=exponents, highest=highest)
    total = float(exponents.sum())
    if not total:
        return Fit({}, _relative(np.ones(len(targets))))
    return Fit({"sharpness": _kept(node.method, "sharpness", total)}, _relative(exponents))


def _expected(given: GenomeLikelihoods, exponents: Floats, *, counts: Floats, step: int) -> tuple[float, Floats]:
    """Of every ``step``-th token: the pool's mean log-normaliser, and the log-probability that it expects of inputs."""
    normaliser, means = 0.0, np.zeros(len(exponents))
    scales = torch.tensor(exponents, dtype=torch.float32)
    size = max(1, _PIECE_NUMBERS // given.vocabulary_size)
    for start in range(0, len(counts), size):
        taken = torch.from_numpy(counts[start : start + size]).float()
        inputs = given.input_distributions(slice(start * step, (start + len(taken)) * step, step))
        pool = torch.tensordot(scales, inputs, dims=1)
        totals = pool.logsumexp(dim=-1)
        normaliser += float(taken @ totals)
        shares = pool.sub_(totals[:, None]).exp_().mul_(taken[:, None])
        means += torch.einsum("ktv,tv->k", inputs, shares).double().numpy()
    return normaliser, means


FITS: Mapping[str, Callable[[GenomeLikelihoods, CombinerNode], Fit]] = {
    "weighted": _fitted_weighted,
    "vote": _fitted_vote,
    "product": _fitted_product,
    "bayesian": _fitted_bayesian,
}
"""What gives the best genes of a combiner, from the genome whose response reads it, by method."""


def _neutral(genome: Genome, node_id: str, node: CombinerNode) -> Fit:
    method = METHODS[node.method]
    weights = (1.0,) * len(genome.inputs(node_id)) if method.has_weights else None
    return Fit({name: allowed.default for name, allowed in method.parameters.items()}, weights)


def _with(genome: Genome, node_id: str, node: CombinerNode, fit: Fit) -> Genome:
    parameters: dict[str, Any] = {**node.parameters, **fit.parameters}
    nodes = {**genome.nodes, node_id: replace(node, parameters=parameters)}
    weights: Sequence[float] | None = fit.weights
    if weights is None:
        return Genome(nodes, genome.edges)
    by_slot = dict(zip((edge.slot for edge in genome.inputs(node_id)), weights, strict=True))
    edges = [replace(edge, weight=by_slot[edge.slot]) if edge.target == node_id else edge for edge in genome.edges]
    return Genome(nodes, edges)


def _relative(weights: Floats) -> tuple[float, ...]:
    return tuple(max(round(float(weight), DECIMALS), _LEAST_WEIGHT) for weight in weights / weights.max())


def _kept(method: str, name: str, value: float) -> float:
    allowed = COMBINERS[method].parameters[name]
    return min(max(round(value, DECIMALS), float(allowed.low)), float(allowed.high))


@contextmanager
def _one_thread() -> Iterator[None]:
    # Sums of floats depend on the number of threads, and genes must not.
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(num_threads)
