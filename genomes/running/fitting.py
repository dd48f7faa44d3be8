"""Fitting the numbers of learned combiners (``LearnedPool``) to given replies: a genome in, a genome out.

What is fitted is written into the genome's nodes, so that a fitted genome needs no data: it is compiled, exported,
keyed and drawn like any other. A search keeps genomes unfitted and fits each one when it is evaluated; the same genome
on the same replies gives the same numbers.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from cachetools import FIFOCache

from genomes.graph.genome import Genome
from genomes.graph.identity import output_keys
from genomes.graph.nodes import CombinerNode
from genomes.graph.parts import part_of
from genomes.methods.combiners import COMBINERS, METHODS, NUMBERS, Cases, LearnedPool
from genomes.running.compilation import compile_genome
from genomes.running.fast_trunk import PrefillCache
from genomes.running.member_loader import MemberLoader
from genomes.running.rows import evidence_so_far, left_padded
from genomes.running.text_format import prompt_tokens, reply_tokens

# Distributions of one batch of texts hold about this many numbers.
_NUMBERS_PER_BATCH = 8_000_000


class Fitter:
    """Fits genomes to replies, and remembers what it has fitted.

    Args:
        contexts: The turns before each reply, oldest first.
        replies: What was said next.
        catalogue: Loads the members.
        prefill_cache: Shares forward passes with other users; numbers are the same without.
        capacity: How many combiners are remembered.
    """

    def __init__(
        self,
        contexts: Sequence[Sequence[str]],
        replies: Sequence[str],
        catalogue: MemberLoader,
        *,
        prefill_cache: PrefillCache | None = None,
        capacity: int = 4096,
    ) -> None:
        if len(contexts) != len(replies) or not replies:
            raise ValueError(
                f"There are {len(contexts)} contexts and {len(replies)} replies to fit to; allowed is one reply or "
                "more, and one context for each."
            )
        self._contexts, self._replies = list(contexts), list(replies)
        self._catalogue = catalogue
        self._prefill_cache = prefill_cache
        self._known: FIFOCache[str, tuple[float, ...]] = FIFOCache(capacity)

    def fitted(self, genome: Genome) -> Genome:
        """The genome with numbers in every learned combiner that has none; itself where there is no such combiner.

        Combiners are fitted one by one, inputs first, each to the likelihood of the replies under its own mixture.

        Raises:
            ValueError: A reply is longer than the members read, or members that meet have different tokenizers.
        """
        keys = output_keys(genome)
        for node_id in genome.topological_order():
            node = genome.nodes[node_id]
            if not isinstance(node, CombinerNode) or not is_unfitted(node):
                continue
            # Keys are those of the unfitted genome, in which the numbers upstream follow from what is written there.
            (key,) = {keys[edge.source, edge.kind] for edge in genome.outputs(node_id)}
            if key not in self._known:
                self._known[key] = self._numbers(genome, node_id, node)
            changed = CombinerNode(node.method, {**node.parameters, NUMBERS: self._known[key]})
            genome = Genome({**genome.nodes, node_id: changed}, genome.edges)
        return genome

    def _numbers(self, genome: Genome, node_id: str, node: CombinerNode) -> tuple[float, ...]:
        edges = genome.inputs(node_id)
        combiner = COMBINERS[node.method]
        assert isinstance(combiner, LearnedPool)
        cases = self._cases(combiner, node, genome, node_id)
        given = torch.tensor([1.0 if edge.weight is None else edge.weight for edge in edges], dtype=torch.float64)
        return combiner.fitted_numbers(cases, weights=given / given.sum(), parameters=node.parameters)

    def _cases(self, combiner: LearnedPool, node: CombinerNode, genome: Genome, node_id: str) -> Cases:
        parts = [part_of(genome, edge.source) for edge in genome.inputs(node_id)]
        inputs = [compile_genome(part, self._catalogue, prefill_cache=self._prefill_cache) for part in parts]
        tokenizer = inputs[0].tokenizer
        answers = [reply_tokens(reply, tokenizer) for reply in self._replies]
        room = min(one.num_positions for one in inputs)
        longest = max(len(answer) for answer in answers)
        if longest >= room:
            raise ValueError(
                f"A reply has {longest} tokens; the members have room for {room - 1}. Fit to shorter ones."
            )
        prompts = [prompt_tokens(context, tokenizer, room=room - longest) for context in self._contexts]
        width = max(len(prompt) for prompt in prompts) + longest
        size = max(1, _NUMBERS_PER_BATCH // (len(inputs) * width * inputs[0].vocabulary_size))
        features, likelihoods = [], []
        for start in range(0, len(answers), size):
            rows = slice(start, start + size)
            tokens, mask = left_padded(
                [prompt + answer for prompt, answer in zip(prompts[rows], answers[rows], strict=True)],
                device=inputs[0].device,
            )
            lengths = torch.tensor([len(prompt) for prompt in prompts[rows]], device=tokens.device)
            distributions = torch.stack([one.log_probabilities(tokens, mask, prompt_lengths=lengths) for one in inputs])
            foreseen = (
                distributions[:, :, :-1].gather(-1, tokens[:, 1:, None].expand(len(inputs), -1, -1, 1)).squeeze(-1)
            )
            evidence, _ = evidence_so_far(foreseen, distributions[:, :, -1], tokens, mask, ())
            kept = slice(tokens.shape[1] - 1 - max(len(answer) for answer in answers[rows]), -1)
            given = combiner.features(
                distributions[:, :, kept],
                evidence=evidence[:, :, kept],
                prompts=prompts[rows],
                parameters=node.parameters,
            )
            said = foreseen[:, :, kept.start :]
            for row, answer in enumerate(answers[rows]):
                features.append(given[:, row, -len(answer) :])
                likelihoods.append(said[:, row, -len(answer) :])
        return Cases(torch.cat(features, dim=1).double(), torch.cat(likelihoods, dim=1).double())


def is_unfitted(node: CombinerNode) -> bool:
    """Whether a combiner learns numbers and has none."""
    return NUMBERS in METHODS[node.method].parameters and not node.parameters.get(NUMBERS)
