"""The plain runtime: one row at a time, no key-value cache, each token's text read anew, probabilities in float64.

It is the oracle of the tests: slow, written from the definitions, and sharing no arithmetic with what it checks
(only the text format of genomes/running/text_format.py).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode, Edge, MemberNode, MergeNode, ResponseNode
from genomes.running.text_format import MIN_NEW_TOKENS, closing_tokens, marker_tokens, reply_tokens, template_tokens
from tests.oracles.merging import reference_weights

Floats = npt.NDArray[np.float64]


class ReferencePhenotype:
    """A genome run by the book."""

    def __init__(
        self, genome: Genome, members: Mapping[str, Any], *, markers: Mapping[str | None, str] | None = None
    ) -> None:
        """Bind a valid genome to its loaded members by name, and to the markers of its roles."""
        self._genome = genome
        self._members = members
        self._markers = markers or {}
        self._tokenizer = next(iter(members.values())).tokenizer
        self._closing = set(closing_tokens(self._tokenizer))
        self._known: dict[tuple[str, tuple[int, ...], tuple[int, ...]], Floats] = {}
        self._drafts: dict[tuple[str, tuple[int, ...]], list[int]] = {}
        self._merged: dict[str, Any] = {}
        (self._response_id,) = genome.of_type(ResponseNode)

    @torch.no_grad()
    def next_probabilities(self, prompt: Sequence[int], answer: Sequence[int]) -> Floats:
        """The distribution of the token after prompt and answer so far: [vocabulary], summing to 1."""
        (edge,) = self._genome.inputs(self._response_id)
        return self._distribution(edge.source, list(prompt), len(prompt) + len(answer), [*prompt, *answer])

    @torch.no_grad()
    def answer_tokens(self, prompt: Sequence[int], *, seed: int) -> list[int]:
        """The sampled answer to a prompt's token ids, with the token that closes it where there is one."""
        top = self._genome.inputs(self._response_id)[0].source
        node = self._genome.nodes[top]
        if isinstance(node, CombinerNode) and node.chooses_answers:
            return self._chosen(node, [edge.source for edge in self._genome.inputs(top)], list(prompt), seed)
        return self._sampled(top, prompt, seed=seed)

    def _sampled(self, source: str, prompt: Sequence[int], *, seed: int) -> list[int]:
        response = self._genome.of_type(ResponseNode)[self._response_id]
        uniforms = np.random.Generator(np.random.Philox(seed)).random(response.max_new_tokens)
        warpers: list[Any] = [TemperatureLogitsWarper(float(response.temperature))]
        if response.top_k:
            warpers.append(TopKLogitsWarper(response.top_k))
        if response.top_p < 1.0:
            warpers.append(TopPLogitsWarper(response.top_p))
        answer: list[int] = []
        for uniform in uniforms:
            text = [*prompt, *answer]
            scores = torch.from_numpy(np.log(self._distribution(source, list(prompt), len(text), text)))[None]
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

    def _chosen(self, node: CombinerNode, sources: list[str], prompt: list[int], seed: int) -> list[int]:
        """Every input's samples, and the one that the definition of the method prefers."""
        samples = range(int(node.parameters["num_samples"]))
        seeds = [seed, *(int(np.random.SeedSequence([seed, n]).generate_state(1, np.uint64)[0]) for n in samples[1:])]
        drawn = [(source, self._sampled(source, prompt, seed=one)) for source in sources for one in seeds]
        values = []
        for author, answer in drawn:
            if node.method == "answer_vote":
                others = [other for _, other in drawn]
                values.append(sum(self._similarity(node, answer, other) for other in others))
                continue
            judges = [source for source in sources if node.parameters["judge"] != "mutual" or source != author]
            likelihoods = [self._log_likelihood(judge, prompt, answer) for judge in judges]
            if node.parameters["judge"] == "pmi":
                no_text = [int(self._tokenizer.eos_token_id)]
                likelihoods = [
                    likelihood - self._log_likelihood(judge, no_text, answer)
                    for judge, likelihood in zip(judges, likelihoods, strict=True)
                ]
            values.append(float(np.mean(likelihoods)) / len(answer))
        return drawn[int(np.argmax(values))][1]

    def _log_likelihood(self, source: str, prompt: list[int], answer: list[int]) -> float:
        text = [*prompt, *answer]
        places = range(len(prompt), len(text))
        return float(sum(np.log(self._distribution(source, prompt, place, text)[text[place]]) for place in places))

    def _similarity(self, node: CombinerNode, answer: list[int], other: list[int]) -> float:
        beta = {"f1": 1.0, "recall": 2.0}[str(node.parameters["balance"])]
        first, second = ([token for token in text if token not in self._closing] for text in (answer, other))
        values = []
        for order in range(1, int(node.parameters["order"]) + 1):
            mine, theirs = (
                [tuple(text[place : place + order]) for place in range(len(text) - order + 1)]
                for text in (first, second)
            )
            shared = sum(min(mine.count(gram), theirs.count(gram)) for gram in set(mine))
            if first == second:
                values.append(1.0)
            elif shared:
                precision, recall = shared / len(mine), shared / len(theirs)
                values.append((1 + beta**2) * precision * recall / (beta**2 * precision + recall))
            else:
                values.append(0.0)
        return float(np.mean(values))

    def _distribution(self, node_id: str, prompt: list[int], length: int, text: list[int]) -> Floats:
        """A node's distribution after the first ``length`` tokens of ``text``."""
        # Remembered, or nested evidence would take time exponential in its depth.
        key = node_id, tuple(prompt), tuple(text[:length])
        if key not in self._known:
            self._known[key] = self._computed(node_id, prompt, length, text)
        return self._known[key]

    def _computed(self, node_id: str, prompt: list[int], length: int, text: list[int]) -> Floats:
        node = self._genome.nodes[node_id]
        if isinstance(node, MemberNode | MergeNode):
            logits = self._logits(node, [*self._read_before(node_id, prompt), *text[:length]])
            return _softmax(logits / node.temperature)
        assert isinstance(node, CombinerNode)
        edges = self._genome.inputs(node_id)
        inputs = [self._distribution(edge.source, prompt, length, text) for edge in edges]
        given = np.array([1.0 if edge.weight is None else edge.weight for edge in edges])
        weights = given / given.sum()
        genes: Mapping[str, Any] = node.parameters
        match node.method:
            case "gate":
                if genes["confidence"] == "entropy":
                    sure = np.array([float(np.sum(p * np.log(np.maximum(p, 1e-300)))) for p in inputs])
                else:
                    sure = np.log([p.max() for p in inputs])
                gates = _kept(weights * np.exp(genes["sharpness"] * sure), genes["active"])
                return np.average(inputs, axis=0, weights=gates)
            case "prompt_gate":
                scores = np.zeros(len(inputs))
                if genes["numbers"]:
                    blocks = np.reshape(genes["numbers"], (len(inputs), -1))
                    scores = blocks[:, :-1] @ _hashed(prompt, genes["buckets"]) + blocks[:, -1]
                return np.average(inputs, axis=0, weights=_kept(weights * np.exp(scores), genes["active"]))
            case "evidence_gate":
                posterior = _softmax(
                    np.log(weights) + float(genes["tempering"]) * self._evidence(edges, prompt, len(prompt), prompt)
                )
                return np.average(inputs, axis=0, weights=_kept(posterior, genes["active"]))
            case "stack":
                gates = np.ones(len(inputs))
                if genes["numbers"]:
                    features = self._stack_features(inputs, edges, genes, prompt, length, text)
                    gates = _softmax(_network(features, np.array(genes["numbers"]), genes["hidden"]))
                return np.average(inputs, axis=0, weights=gates)
            case method if node.chooses_answers or method == "mean":
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
                evidence = self._evidence(edges, prompt, length, text)
                posterior = _softmax(np.log(weights) + float(node.parameters["tempering"]) * evidence)
                return np.average(inputs, axis=0, weights=posterior)
        raise ValueError(f"The combiner {node_id!r} has the method {node.method!r}, which has no reference.")

    def _evidence(self, edges: Sequence[Edge], prompt: list[int], length: int, text: list[int]) -> Floats:
        return np.array(
            [
                sum(
                    np.log(self._distribution(edge.source, prompt, place, text)[text[place]])
                    for place in range(1, length)
                )
                for edge in edges
            ]
        )

    def _stack_features(
        self,
        inputs: list[Floats],
        edges: Sequence[Edge],
        genes: Mapping[str, Any],
        prompt: list[int],
        length: int,
        text: list[int],
    ) -> Floats:
        """[inputs, features]; the order and the scales are those of genomes/methods/combiners/stack.py."""
        mean = np.mean(inputs, axis=0)
        candidates = np.argsort(-mean)[:3]
        evidence = self._evidence(edges, prompt, length, text)
        rows = []
        for place, p in enumerate(inputs):
            lag = np.tanh((evidence[place] - evidence.max()) / 10.0) if genes["features"] == "all" else 0.0
            entropy = -float(np.sum(p * np.log(np.maximum(p, 1e-300)))) / 10.0
            foreseen = [max(float(np.log(p[candidate])), -20.0) / 20.0 for candidate in candidates]
            rows.append([entropy, max(float(np.log(p.max())), -10.0) / 10.0, *foreseen, mean[p.argmax()], lag])
        return np.array(rows)

    def _read_before(self, node_id: str, prompt: list[int]) -> list[int]:
        """The token ids that a member reads before the prompt: its role's marker, and its drafts in its template."""
        own = self._genome.nodes[node_id]
        assert isinstance(own, MemberNode | MergeNode)
        before = marker_tokens(self._markers.get(own.role, ""), self._tokenizer)
        for edge in self._genome.inputs(node_id):
            writer = self._genome.nodes[edge.source]
            if not isinstance(writer, MemberNode | MergeNode) or edge.kind != "text":
                continue
            start, end = template_tokens(own.template, self._tokenizer)
            before += [*start, *self._draft(edge.source, writer, prompt), *end]
        return before

    def _draft(self, node_id: str, writer: MemberNode | MergeNode, prompt: list[int]) -> list[int]:
        key = node_id, tuple(prompt)
        if key not in self._drafts:
            self._drafts[key] = self._written(node_id, writer, prompt)
        return self._drafts[key]

    def _written(self, node_id: str, writer: MemberNode | MergeNode, prompt: list[int]) -> list[int]:
        draft: list[int] = []
        while len(draft) < writer.draft_tokens:
            token = int(self._logits(writer, [*self._read_before(node_id, prompt), *prompt, *draft]).argmax())
            if token in self._closing:
                break
            draft.append(token)
        return draft

    def _model(self, node: MemberNode | MergeNode) -> Any:
        if isinstance(node, MemberNode):
            return self._members[node.member].model
        node_id = next(one for one, other in self._genome.nodes.items() if other is node)
        if node_id not in self._merged:
            weights = reference_weights(self._genome, node_id, self._members)
            model = copy.deepcopy(next(iter(self._members.values())).model)
            for name, tensor in model.named_parameters():
                tensor.copy_(torch.from_numpy(weights[name]))
            self._merged[node_id] = model
        return self._merged[node_id]

    def _logits(self, node: MemberNode | MergeNode, tokens: list[int]) -> Floats:
        logits = self._model(node)(torch.tensor([tokens])).logits[0, -1]
        return np.asarray(logits.double().numpy())


def _kept(weights: Floats, num_active: int) -> Floats:
    """The largest weights, the others zero."""
    kept = np.zeros_like(weights)
    places = np.argsort(-weights)[:num_active]
    kept[places] = weights[places]
    return kept


def _hashed(prompt: Sequence[int], num_buckets: int) -> Floats:
    buckets = [(token * 2654435761 % 2**32 >> 16) % num_buckets for token in prompt]
    counts = np.bincount(buckets, minlength=num_buckets).astype(float)
    return np.asarray(counts / np.linalg.norm(counts))


def _network(features: Floats, numbers: Floats, num_hidden: int) -> Floats:
    width = features.shape[1]
    linear, first, constants, second = np.split(numbers, np.cumsum([width, width * num_hidden, num_hidden]))
    return np.asarray(features @ linear + np.tanh(features @ first.reshape(width, num_hidden) + constants) @ second)


def _softmax(logits: Any) -> Floats:
    exponentials = np.exp(logits - np.max(logits))
    return np.asarray(exponentials / exponentials.sum())
