"""The configuration of an exported composite: its members' configurations and its graph.

This file travels inside exported artifacts: it imports nothing but transformers and its siblings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from transformers import PreTrainedConfig

from genomes.graph.program import Program, build_program
from genomes.members.architectures import config_from, num_positions


class CompositeConfig(PreTrainedConfig):  # type: ignore[misc]
    """Everything of a composite but its weights.

    Attributes:
        members: The members' configurations by name.
        graph: The genome's JSON document.
        templates: For each member node that reads drafts, its template's token ids before and after the draft.
        markers: For each member node whose role has a marker, the marker's token ids.
        closing_token_ids: Token ids that end a draft or an answer: those of a text with a line break, and the
            end-of-text token.
        vocab_size: Size of the vocabulary that all members share.
        max_position_embeddings: The most tokens of prompt and answer together that every member has room for.
    """

    model_type = "gpt2-composite"

    def __init__(
        self,
        members: dict[str, dict[str, Any]] | None = None,
        graph: dict[str, Any] | None = None,
        templates: Mapping[str, Sequence[Sequence[int]]] | None = None,
        closing_token_ids: Sequence[int] = (),
        markers: Mapping[str, Sequence[int]] | None = None,
        **kwargs: Any,
    ) -> None:
        """All arguments have defaults, because transformers builds an empty configuration to compare with.

        Raises:
            ValueError: The members' vocabularies differ in size, or the graph is no program of these members.
        """
        self.members = dict(members or {})
        self.graph = dict(graph or {})
        self.templates = {name: [list(part) for part in parts] for name, parts in (templates or {}).items()}
        self.markers = {name: list(tokens) for name, tokens in (markers or {}).items()}
        self.closing_token_ids = list(closing_token_ids)
        # The two below follow from the others, and are kept because other programs read them.
        kwargs.pop("max_position_embeddings", None)
        kwargs.pop("vocab_size", None)
        self.vocab_size = 0
        self.max_position_embeddings = 0
        if self.graph:
            sizes = {name: int(config["vocab_size"]) for name, config in self.members.items()}
            if len(set(sizes.values())) > 1:
                raise ValueError(f"Members have vocabularies of different sizes, {sizes!r}; one composite shares one.")
            self.vocab_size = next(iter(sizes.values()), 0)
            program = self.program()
            if missing := sorted(set(program.members) - set(self.members)):
                raise ValueError(f"The graph uses the members {missing!r}; there are {sorted(self.members)!r}.")
            self.max_position_embeddings = program.num_positions(
                {name: num_positions(config_from(config)) for name, config in self.members.items()}
            )
        super().__init__(**kwargs)

    def program(self) -> Program:
        """The graph as a program."""
        return build_program(self.graph, self.templates, self.markers)
