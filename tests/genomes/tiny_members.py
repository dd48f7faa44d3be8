"""Random members of a few thousand parameters, and genomes over them, for tests of everything that runs."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

from genomes.graph.genome import Genome
from genomes.graph.nodes import CombinerNode, Edge, MemberNode, PromptNode, ResponseNode
from genomes.members.tokenizers import train_tokenizer
from genomes.methods.combiners import ANSWER_COMBINERS, METHODS

TEXT = (
    "hello there, how are you today?\n",
    "i am fine, thank you very much.\n",
    "what do you like to read in the evening?\n",
    "books about the sea, and about the people of the sea.\n",
)
CONTEXTS = (
    ("hello there",),
    ("what do you like to read?", "books about the sea", "and what about today?"),
    ("thank you",),
    ("how are you today?", "i am fine"),
)


@dataclass(frozen=True)
class TinyMember:
    name: str
    model: GPT2LMHeadModel
    tokenizer: PreTrainedTokenizerFast
    key: str


@lru_cache
def tiny_tokenizer(vocabulary_size: int = 320) -> PreTrainedTokenizerFast:
    return train_tokenizer(TEXT, vocabulary_size=vocabulary_size, max_length=96)


@lru_cache
def tiny_member(name: str, *, positions: int = 96, vocabulary_size: int = 320) -> TinyMember:
    """The member that the name seeds; distributions are peaked enough to differ and flat enough to sample from."""
    tokenizer = tiny_tokenizer(vocabulary_size)
    torch.manual_seed(sum(name.encode()))
    config = GPT2Config(
        vocab_size=len(tokenizer),
        n_positions=positions,
        n_embd=16,
        n_layer=2,
        n_head=2,
        initializer_range=0.4,
        bos_token_id=tokenizer.eos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    model = GPT2LMHeadModel._from_config(config, attn_implementation="sdpa")
    return TinyMember(name, model.eval().requires_grad_(False), tokenizer, key=f"tiny-{name}-{positions}")


MARKERS = {"talk": "talk: ", "core": "so, ", "quiet": ""}


class TinyCatalogue:
    """Makes any member that it is asked for, and knows three roles."""

    def load(self, name: str) -> TinyMember:
        return tiny_member(name)

    def marker(self, role: str) -> str:
        return MARKERS[role]


def response(**changes: float) -> ResponseNode:
    genes = {"temperature": 0.9, "top_k": 0, "top_p": 1.0, "max_new_tokens": 8} | changes
    return ResponseNode(**genes)


def genome_of(
    members: dict[str, MemberNode],
    joins: dict[str, tuple[str, dict[str, Any], dict[str, float | None]]],
    **answer: float,
) -> Genome:
    """A genome from member nodes, and combiners as ``{id: (method, parameters, {input: weight})}``, the last on top.

    A member's template may name its draft sources: ``drafts`` are joined with ``with_draft``.
    """
    nodes = {"prompt": PromptNode(), **members, "response": response(**answer)}
    edges = [Edge("prompt", name, "text", 0) for name in members]
    top = next(iter(members))
    for name, (method, parameters, inputs) in joins.items():
        nodes[name] = CombinerNode(
            method, {key: r.default for key, r in METHODS[method].parameters.items()} | parameters
        )
        for slot, (source, weight) in enumerate(inputs.items()):
            kind = "text" if method in ANSWER_COMBINERS else "distribution"
            edges.append(Edge(source, name, kind, slot, weight if METHODS[method].has_weights else None))
        top = name
    is_chosen = top in joins and joins[top][0] in ANSWER_COMBINERS
    edges.append(Edge(top, "response", "text" if is_chosen else "distribution", 0))
    return Genome(nodes, edges)


def with_drafts(genome: Genome, drafts: dict[str, tuple[str, ...]]) -> Genome:
    """The genome with members reading drafts: ``{reader: writers}``."""
    edges = [
        Edge(writer, reader, "text", 1 + slot) for reader, names in drafts.items() for slot, writer in enumerate(names)
    ]
    return Genome(genome.nodes, [*genome.edges, *edges])


def numbers(count: int) -> tuple[float, ...]:
    """Numbers as if fitted, large enough to matter."""
    return tuple(np.random.default_rng(count).normal(scale=2.0, size=count).round(3).tolist())


def weights_of(names: str) -> dict[str, float]:
    """Unequal weights of some inputs."""
    return {name: 1.0 + place for place, name in enumerate(names.split())}


def member(name: str, **genes: object) -> MemberNode:
    return MemberNode(name, **genes)


def shapes() -> dict[str, Genome]:
    """One genome of every shape that there is, by what is special about it."""
    three = {"m1": member("ada"), "m2": member("bob", temperature=1.4), "m3": member("cleo", temperature=0.7)}
    two = {"m1": member("ada"), "m2": member("bob")}
    weights = {"m1": 2.0, "m2": 1.0, "m3": 0.5}
    return {
        "single": genome_of({"m1": member("ada", temperature=1.3)}, {}),
        "mean": genome_of(three, {"c1": ("mean", {}, weights)}),
        "weighted": genome_of(three, {"c1": ("weighted", {}, weights)}),
        "product": genome_of(three, {"c1": ("product", {"sharpness": 1.7}, weights)}),
        "vote": genome_of(three, {"c1": ("vote", {}, weights)}),
        "bayesian": genome_of(three, {"c1": ("bayesian", {"tempering": 0.8}, weights)}),
        "gate": genome_of(three, {"c1": ("gate", {"active": 2, "sharpness": 1.5}, weights)}),
        "gate by top": genome_of(three, {"c1": ("gate", {"active": 1, "confidence": "top"}, weights)}),
        "prompt gate": genome_of(
            three, {"c1": ("prompt_gate", {"active": 1, "buckets": 16, "numbers": numbers(3 * 17)}, weights)}
        ),
        "prompt gates in others": with_drafts(
            genome_of(
                three | {"m4": member("ada", template="{draft}, ", draft_tokens=3)},
                {
                    "c1": ("prompt_gate", {"active": 1, "buckets": 16, "numbers": numbers(34)}, weights_of("m1 m2")),
                    "c2": ("prompt_gate", {"active": 2}, weights_of("c1 m3 m4")),
                    "c3": ("bayesian", {}, {"c2": 1.0, "m2": 2.0}),
                },
            ),
            {"m4": ("m3",)},
        ),
        "evidence gate": genome_of(three, {"c1": ("evidence_gate", {"active": 1, "tempering": 0.3}, weights)}),
        "evidence gate of drafts": with_drafts(
            genome_of(
                three | {"m4": member("ada", template="{draft}, ", draft_tokens=3)},
                {"c1": ("evidence_gate", {"active": 2, "tempering": 0.05}, weights_of("m1 m3 m4"))},
            ),
            {"m4": ("m2",), "m1": ("m4",)},
        ),
        "evidence gate below a prompt gate": genome_of(
            three,
            {
                "c1": ("evidence_gate", {"active": 1}, weights_of("m1 m2")),
                "c2": ("prompt_gate", {"active": 1, "buckets": 16, "numbers": numbers(34)}, weights_of("c1 m3")),
            },
        ),
        "evidence gates of mixtures": with_drafts(
            genome_of(
                three | {"m4": member("ada", template="{draft}, ", draft_tokens=3)},
                {
                    "c1": ("evidence_gate", {"active": 1}, weights_of("m1 m2")),
                    "c2": ("evidence_gate", {"active": 2, "tempering": 0.1}, weights_of("c1 m3 m4")),
                    "c3": ("bayesian", {}, {"c2": 1.0, "m2": 2.0}),
                },
            ),
            {"m4": ("m3",)},
        ),
        "stack": genome_of(three, {"c1": ("stack", {"numbers": numbers(7 + 9 * 4)}, weights)}),
        "stack in mean": genome_of(
            three,
            {
                "c1": ("stack", {"features": "outputs", "hidden": 0, "numbers": numbers(7)}, weights_of("m1 m2")),
                "c2": ("mean", {}, weights_of("c1 m3")),
            },
        ),
        "best of": genome_of(three, {"c1": ("best_of", {"num_samples": 2}, weights)}),
        "best of by pmi": with_drafts(
            genome_of(
                {"m1": member("ada"), "m2": member("bob", template="{draft} "), "m3": member("cleo", draft_tokens=4)},
                {
                    "c1": ("product", {}, weights_of("m1 m2")),
                    "c2": ("best_of", {"judge": "pmi"}, {"c1": None, "m3": None}),
                },
            ),
            {"m2": ("m3",)},
        ),
        "best of by likelihood": genome_of(two, {"c1": ("best_of", {"judge": "likelihood"}, weights_of("m1 m2"))}),
        "answer vote": genome_of(three, {"c1": ("answer_vote", {"order": 1}, weights)}, top_k=6),
        "answer vote by recall": genome_of(
            two, {"c1": ("answer_vote", {"balance": "recall", "num_samples": 3}, weights_of("m1 m2"))}, top_k=4
        ),
        "one member twice": genome_of(
            {"m1": member("ada"), "m2": member("ada"), "m3": member("ada", temperature=1.5)},
            {"c1": ("bayesian", {}, weights)},
        ),
        "nested": genome_of(
            three,
            {
                "c1": ("bayesian", {}, {"m1": 1.0, "m2": 2.0}),
                "c2": ("product", {}, {"c1": 1.0, "m3": 1.0}),
                "c3": ("bayesian", {"tempering": 0.3}, {"c2": 1.0, "c1": 3.0}),
            },
        ),
        "filtered": genome_of(
            two, {"c1": ("mean", {}, {"m1": None, "m2": None})}, top_k=12, top_p=0.8, temperature=1.2
        ),
        "draft": with_drafts(
            genome_of({"m2": member("bob", template="{draft} "), "m1": member("ada", draft_tokens=5)}, {}),
            {"m2": ("m1",)},
        ),
        "marker": genome_of({"m1": member("ada", role="talk")}, {}),
        "modules": with_drafts(
            genome_of(
                {
                    "m1": member("ada", role="talk", draft_tokens=3),
                    "m2": member("bob", role="quiet", draft_tokens=4),
                    "m3": member("cleo", role="core", template="{draft}, "),
                    "m4": member("ada", role="core"),
                    "m5": member("ada"),
                },
                {"c1": ("bayesian", {}, {"m3": 2.0, "m4": 1.0, "m5": 1.0})},
            ),
            {"m3": ("m1", "m2")},
        ),
        "four in a chain": with_drafts(
            genome_of(
                {
                    "m4": member("cleo", role="core", template="so {draft}, "),
                    "m3": member("bob", template="{draft} ", draft_tokens=4),
                    "m2": member("cleo", role="talk", template="{draft}, ", draft_tokens=5),
                    "m1": member("ada", draft_tokens=3),
                },
                {},
            ),
            {"m2": ("m1",), "m3": ("m2",), "m4": ("m3", "m2")},
        ),
        "drafts of drafts": with_drafts(
            genome_of(
                three | {"m4": member("ada", template="so {draft}, ", draft_tokens=3)},
                {"c1": ("bayesian", {}, {"m3": 1.0, "m4": 2.0})},
                top_p=0.9,
            ),
            {"m2": ("m1",), "m3": ("m2", "m1"), "m4": ("m1", "m2")},
        ),
    }
