"""The plain runtime: one row at a time, no key-value cache, each token's text read anew, probabilities in float64.

It is the oracle of the tests: slow, written from the definitions, and sharing no arithmetic with what it checks
(only the text format of prompting.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from genomes.genome import Genome
from genomes.nodes import CombinerNode, MemberNode, ResponseNode
from genomes.prompting import MIN_NEW_TOKENS, closing_tokens, reply_tokens, template_tokens

Floats = npt.NDArray[np.float64]


class ReferencePhenotype:
    """A genome run by the book."""

    def __init__(self, genome: Genome, members: Mapping[str, Any]) -> None:
        """Bind a valid genome to its loaded members by name."""
        self._genome = genome
        self._members = members
        self._tokenizer = next(iter(members.values())).tokenizer
        self._closing = set(closing_tokens(self._tokenizer))
        self._known: dict[tuple[str, tuple[int, ...], tuple[int, ...]], Floats] = {}
        self._drafts: dict[tuple[str, tuple[int, ...]], list[int]] = {}
        (self._response_id,) = genome.of_type(ResponseNode)

    @torch.no_grad()
    def next_probabilities(self, prompt: Sequence[int], answer: Sequence[int]) -> Floats:
        """The distribution of the token after prompt and answer so far: [vocabulary], summing to 1."""
        (edge,) = self._genome.inputs(self._response_id)
        return self._distribution(edge.source, list(prompt), len(prompt) + len(answer), [*prompt, *answer])

    @torch.no_grad()
    def answer_tokens(self, prompt: Sequence[int], *, seed: int) -> list[int]:
        """The sampled answer to a prompt's token ids, with the token that closes it where there is one."""
        response = self._genome.of_type(ResponseNode)[self._response_id]
        uniforms = np.random.Generator(np.random.Philox(seed)).random(response.max_new_tokens)
        warpers: list[Any] = [TemperatureLogitsWarper(float(response.temperature))]
        if response.top_k:
            warpers.append(TopKLogitsWarper(response.top_k))
        if response.top_p < 1.0:
            warpers.append(TopPLogitsWarper(response.top_p))
        answer: list[int] = []
        for uniform in uniforms:
            scores = torch.from_numpy(np.log(self.next_probabilities(prompt, answer)))[None]
            if len(answer) < MIN_NEW_TOKENS:
                scores[:, list(self._closing)] = -torch.inf
            for warper in warpers:
                scores = warper(torch.tensor([[*prompt, *answer]]), scores)
            cumulated = np.cumsum(scores[0].softmax(dim=-1).numpy())
            answer.append(int(np.searchsorted(cumulated / cumulated[-1], uniform, side="right")))
            if answer[-1] in self._closing:
                break
        return answer

    def reply_nll_nats(self, prompt: Sequence[int], reply: str) -> float:
        """Negative log-likelihood of a reply and the line break that ends it."""
        tokens = reply_tokens(reply, self._tokenizer)
        return -sum(
            float(np.log(self.next_probabilities(prompt, tokens[:place])[token])) for place, token in enumerate(tokens)
        )

    def _distribution(self, node_id: str, prompt: list[int], length: int, text: list[int]) -> Floats:
        """A node's distribution after the first ``length`` tokens of ``text``."""
        # Remembered, or nested evidence would take time exponential in its depth.
        key = node_id, tuple(prompt), tuple(text[:length])
        if key not in self._known:
            self._known[key] = self._computed(node_id, prompt, length, text)
        return self._known[key]

    def _computed(self, node_id: str, prompt: list[int], length: int, text: list[int]) -> Floats:
        node = self._genome.nodes[node_id]
        if isinstance(node, MemberNode):
            logits = self._logits(node, [*self._read_before(node_id, prompt), *text[:length]])
            return _softmax(logits / node.temperature)
        assert isinstance(node, CombinerNode)
        edges = self._genome.inputs(node_id)
        inputs = [self._distribution(edge.source, prompt, length, text) for edge in edges]
        given = np.array([1.0 if edge.weight is None else edge.weight for edge in edges])
        weights = given / given.sum()
        match node.method:
            case "mean":
                return np.asarray(np.mean(inputs, axis=0))
            case "weighted":
                return np.average(inputs, axis=0, weights=weights)
            case "product":
                exponents = weights * float(node.parameters["sharpness"])
                return _softmax(sum(e * np.log(p) for e, p in zip(exponents, inputs, strict=True)))
            case "vote":
                smoothing = float(node.parameters["smoothing"])
                votes = np.zeros_like(inputs[0])
                for distribution in inputs:
                    votes[distribution.argmax()] += 1.0 / len(inputs)
                return np.asarray((1.0 - smoothing) * votes + smoothing * np.mean(inputs, axis=0))
            case "bayesian":
                evidence = np.array(
                    [
                        sum(
                            np.log(self._distribution(edge.source, prompt, place, text)[text[place]])
                            for place in range(1, length)
                        )
                        for edge in edges
                    ]
                )
                posterior = _softmax(np.log(weights) + float(node.parameters["tempering"]) * evidence)
                return np.average(inputs, axis=0, weights=posterior)
        raise ValueError(f"The combiner {node_id!r} has the method {node.method!r}, which has no reference.")

    def _read_before(self, node_id: str, prompt: list[int]) -> list[int]:
        """The token ids that a member reads before the prompt: its drafts in its template."""
        before: list[int] = []
        for edge in self._genome.inputs(node_id):
            writer = self._genome.nodes[edge.source]
            if not isinstance(writer, MemberNode):
                continue
            reader = self._genome.nodes[node_id]
            assert isinstance(reader, MemberNode)
            start, end = template_tokens(reader.template, self._tokenizer)
            before += [*start, *self._draft(edge.source, writer, prompt), *end]
        return before

    def _draft(self, node_id: str, writer: MemberNode, prompt: list[int]) -> list[int]:
        key = node_id, tuple(prompt)
        if key not in self._drafts:
            self._drafts[key] = self._written(node_id, writer, prompt)
        return self._drafts[key]

    def _written(self, node_id: str, writer: MemberNode, prompt: list[int]) -> list[int]:
        draft: list[int] = []
        while len(draft) < writer.draft_tokens:
            token = int(self._logits(writer, [*self._read_before(node_id, prompt), *prompt, *draft]).argmax())
            if token in self._closing:
                break
            draft.append(token)
        return draft

    def _logits(self, node: MemberNode, tokens: list[int]) -> Floats:
        logits = self._members[node.member].model(torch.tensor([tokens])).logits[0, -1]
        return np.asarray(logits.double().numpy())


def _softmax(logits: Any) -> Floats:
    exponentials = np.exp(logits - np.max(logits))
    return np.asarray(exponentials / exponentials.sum())
