"""What members with an ``upstream`` are trained with, told from an experiment: links, exchanges and markers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from experiments.config.compositions import ExperimentConfig
from experiments.corpora.documents import Document
from experiments.corpora.streams import exchanges_of
from genomes.training.chains import Chain, Link

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def chain_of(
    name: str,
    config: ExperimentConfig,
    documents: Mapping[str, Sequence[Document]],
    tokenizer: PreTrainedTokenizerBase,
) -> Chain | None:
    """The chain above a member with a recipe; directories and keys come when the members are there. None without one.

    Args:
        name: The member.
        config: The experiment.
        documents: Its documents by domain; exchanges are of the training split alone.
        tokenizer: Makes the exchanges' tokens.
    """
    recipe = config.members.recipes[name]
    if recipe.upstream is None:
        return None
    links = _links(config, name)
    roles = {link.role for link in links.values() if link.role is not None}
    return Chain(
        exchanges={domain: exchanges_of(documents[domain], tokenizer) for domain in recipe.domains},
        links=links,
        markers={role: config.space.roles[role].marker for role in sorted(roles)},
    )


def _links(config: ExperimentConfig, name: str) -> dict[str, Link]:
    """Every member upstream of one with a recipe, and upstream of these, by name."""
    recipes = config.members.recipes
    links: dict[str, Link] = {}
    stack = [name]
    while stack:
        reader = stack.pop()
        upstream = recipes[reader].upstream if reader in recipes else None
        for writer in upstream.members if upstream else ():
            if writer not in links:
                roles = config.roles_for_upstream(reader, writer)
                own = recipes[writer].upstream if writer in recipes else None
                links[writer] = Link(roles[0] if roles else None, own)
                stack.append(writer)
    return links
