"""Training recipes: everything that decides what a trained member is, and the key that follows from it.

No training here (training.py) and no text: which tokens a recipe is trained on is handed in as streams.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from hashlib import blake2b
from typing import Literal

import numpy as np
import numpy.typing as npt

from genomes.graph.nodes import DEFAULT_TEMPLATE, template_problem

TokenStream = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Shape:
    """The size of a GPT-2.

    Attributes:
        width: Size of the hidden states; a multiple of ``heads``.
        layers: Number of transformer blocks.
        heads: Attention heads per block.
        positions: Longest input in tokens.
    """

    width: int = 160
    layers: int = 3
    heads: int = 4
    positions: int = 192

    def __post_init__(self) -> None:
        if min(self.width, self.layers, self.heads, self.positions) < 1 or self.width % self.heads:
            raise ValueError(f"{self!r} is no GPT-2 shape: all sizes are 1 or more and heads divides width.")


@dataclass(frozen=True, slots=True)
class Upstream:
    """The place in a chain that a member is trained for: whose drafts it learns to read.

    Attributes:
        members: Names of the members that write drafts for its training prompts, greedily.
        template: What stands before the prompt for each draft; holds ``{draft}`` once.
        draft_tokens: Longest draft.
    """

    members: tuple[str, ...]
    template: str = DEFAULT_TEMPLATE
    draft_tokens: int = 16

    def __post_init__(self) -> None:
        if not self.members or len(set(self.members)) < len(self.members):
            raise ValueError(f"members is {list(self.members)!r}; allowed are one or more different names.")
        if problem := template_problem(self.template):
            raise ValueError(f"template is {self.template!r}; {problem}.")
        if self.draft_tokens < 1:
            raise ValueError(f"draft_tokens is {self.draft_tokens!r}; allowed are whole numbers of at least 1.")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train one member.

    Attributes:
        domains: Share of the training tokens that each domain gets, by name; shares are normalised.
        tokens: Training tokens, counted with repetition; at least one update, ``batch_size`` times ``shape.positions``.
        shape: Size of the model; must equal the parent's where there is one.
        parent: Name of the member to fine-tune from, or None to train from random weights.
        role: Name of the role that it is trained for: the role's marker stands before every training sequence.
        upstream: Trains the member for its place in a chain. Its sequences are then exchanges of the training split, a
            prompt and the human reply, with drafts of the upstream members in front: of one, some or all of them, in
            an order drawn anew each time, so that it can read whichever a genome gives it.
        learning_rate: Peak of the cosine schedule (AdamW), above 0.
        batch_size: Sequences of ``shape.positions`` tokens per update; at least 1.
        dropout: Dropout probability of embeddings, attention and residuals, in [0, 1).
        weight_decay: Decoupled weight decay, at least 0.
        warmup_fraction: Share of the updates in which the rate rises, in [0, 1].
        precision: Arithmetic of forward passes during training; weights are kept in float32.
        seed: Seeds initial weights, dropout and the order of the training blocks; from 0 to 4294967295.
    """

    domains: Mapping[str, float]
    tokens: int
    shape: Shape = field(default_factory=Shape)
    parent: str | None = None
    role: str | None = None
    upstream: Upstream | None = None
    learning_rate: float = 2e-3
    batch_size: int = 32
    dropout: float = 0.1
    weight_decay: float = 0.05
    warmup_fraction: float = 0.05
    precision: Literal["float32", "bfloat16"] = "bfloat16"
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.domains or any(share <= 0 for share in self.domains.values()):
            raise ValueError(f"domains is {dict(self.domains)!r}; allowed are one or more names with shares above 0.")
        if self.tokens < self.batch_size * self.shape.positions:
            raise ValueError(
                f"tokens is {self.tokens!r}; one update of batch_size x positions takes "
                f"{self.batch_size * self.shape.positions}. Give at least that many."
            )
        for name, allowed, is_allowed in (
            ("learning_rate", "numbers above 0", self.learning_rate > 0),
            ("batch_size", "whole numbers of at least 1", self.batch_size >= 1),
            ("dropout", "numbers from 0 and below 1", 0 <= self.dropout < 1),
            ("weight_decay", "numbers of at least 0", self.weight_decay >= 0),
            ("warmup_fraction", "numbers from 0 to 1", 0 <= self.warmup_fraction <= 1),
            ("seed", "whole numbers from 0 to 4294967295", 0 <= self.seed < 2**32),
        ):
            if not is_allowed:
                raise ValueError(f"{name} is {getattr(self, name)!r}; allowed are {allowed}.")

    @property
    def waits_for(self) -> tuple[str, ...]:
        """Names of the members that have to be there before it is trained."""
        upstream = self.upstream.members if self.upstream else ()
        return tuple(dict.fromkeys([*([] if self.parent is None else [self.parent]), *upstream]))


def recipe_key(
    recipe: Recipe,
    streams: Mapping[str, TokenStream],
    *,
    tokenizer_key: str,
    parent_key: str | None,
    marker: str = "",
    chain_key: str | None = None,
) -> str:
    """The content address of a trained member: the same recipe on the same tokens never trains twice.

    Args:
        recipe: The recipe.
        streams: Token stream of every domain that the recipe names; not looked at where there is a chain.
        tokenizer_key: Key of the tokenizer that made the streams.
        parent_key: Key of the parent, None without one.
        marker: Marker of the recipe's role.
        chain_key: Key of the chain that it is trained for, None without one.
    """
    digest = blake2b(digest_size=16)
    settings = asdict(recipe)
    # What a role is called decides nothing, and recipes without a chain keep the keys that they had before chains.
    del settings["role"]
    if recipe.upstream is None:
        del settings["upstream"]
    document = {"recipe": settings, "tokenizer": tokenizer_key, "parent": parent_key}
    document |= {name: value for name, value in (("marker", marker), ("chain", chain_key)) if value}
    digest.update(json.dumps(document, sort_keys=True).encode())
    for domain in sorted(recipe.domains) if chain_key is None else ():
        digest.update(domain.encode())
        digest.update(np.ascontiguousarray(streams[domain], dtype="<i4").tobytes())
    return digest.hexdigest()


def training_blocks(
    recipe: Recipe, streams: Mapping[str, TokenStream], *, marker: Sequence[int] = ()
) -> npt.NDArray[np.int32]:
    """The training sequences of a recipe: int32 [blocks, positions], in training order.

    Every domain's stream is read in passes; each pass starts at another offset and visits its blocks in a random
    order. Domains are interleaved by their shares. A marker's tokens stand first in every block.

    Raises:
        ValueError: A domain has no stream, or its stream is shorter than one block.
    """
    positions = recipe.shape.positions - len(marker)
    num_blocks = recipe.tokens // recipe.shape.positions
    generator = np.random.Generator(np.random.Philox(recipe.seed))
    total = sum(recipe.domains.values())
    names = sorted(recipe.domains)
    shares = [recipe.domains[name] / total for name in names]
    choices = generator.choice(len(names), size=num_blocks, p=shares)
    blocks = np.empty((num_blocks, positions), dtype=np.int32)
    for index, name in enumerate(names):
        if name not in streams or len(streams[name]) < 2 * positions:
            raise ValueError(
                f"Domain {name!r} has {len(streams.get(name, []))} training tokens; a recipe needs at least "
                f"{2 * positions} (two blocks). Add documents to data.domains.{name}, or take it out of the recipe."
            )
        places = np.flatnonzero(choices == index)
        filled = 0
        while filled < len(places):
            offset = int(generator.integers(positions))
            stream = streams[name][offset:]
            passes = stream[: len(stream) // positions * positions].reshape(-1, positions)
            order = generator.permutation(len(passes))[: len(places) - filled]
            blocks[places[filled : filled + len(order)]] = passes[order]
            filled += len(order)
    return np.hstack([np.tile(np.array(marker, dtype=np.int32), (num_blocks, 1)), blocks])
