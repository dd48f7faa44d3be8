"""The section ``space``: which compositions the search may build."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from experiments.config.section import Name, Section, Unrepeated
from genomes.breeding.roles import Role
from genomes.graph.nodes import template_problem
from genomes.methods.combiners import METHODS
from genomes.methods.merging import MERGES
from genomes.methods.plugins import offered_merge_methods, offered_methods
from genomes.sentences import allowed_names


def _ascending(bounds: tuple[float, float]) -> tuple[float, float]:
    if bounds[0] > bounds[1]:
        raise ValueError(f"{list(bounds)!r} is no range; give the lower bound first")
    return bounds


class ResponseSpace(Section):
    """Decoding settings of the final answer that the search may choose from.

    Attributes:
        temperature: Lowest and highest temperature.
        top_k: Sizes of the set that tokens are drawn from; 0 is no limit.
        top_p: Lowest and highest probability mass of the nucleus that tokens are drawn from; 1.0 is no limit.
        max_new_tokens: Longest answer in tokens; not searched.
    """

    temperature: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]] = (0.3, 1.2)
    top_k: Annotated[tuple[Annotated[int, Field(ge=0)], ...], Field(min_length=1), Unrepeated] = (0, 10, 40)
    top_p: tuple[Annotated[float, Field(gt=0, le=1)], Annotated[float, Field(gt=0, le=1)]] = (0.7, 1.0)
    max_new_tokens: Annotated[int, Field(ge=1, le=1024)] = 24

    _ranges = field_validator("temperature", "top_p")(_ascending)


class SpaceConfig(Section):
    """The section ``space``.

    Attributes:
        plugins: Modules that define combiners or merge methods of your own; they are imported when a run starts, not
            when this file is read.
        methods: Combiner methods that genomes may use: those of this package, which docs/composition.md lists, of
            installed packages, and of plugins.
        merge_methods: Methods by which genomes may merge members in their parameters, from the same places; none leaves
            merging out.
        max_member_nodes: Most member nodes of a genome; one member may fill several.
        max_combiners: Most combiners and merges; 0 leaves single members and chains.
        max_drafts: Most drafts of a genome, in chains as deep as they allow; 0 is no chaining.
        max_active_parameters: Most parameters of members that take part in one token of an answer, counted as by the
            objective ``active_parameters``; null is no limit.
        draft_tokens: Shortest and longest draft, in tokens.
        roles: Roles of modules by name, each with its members, its marker, what it expects upstream and what it
            returns; where there are any, genomes are agents made of modules. docs/modules.md tells more.
        templates: How a draft enters the prompt of the member that reads it; ``{draft}`` stands in it once.
        member_temperature: Lowest and highest temperature that a member's logits are divided by.
        prompt_tokens: Tokens of every member's input that drafts leave free for the prompt.
        response: Decoding settings of the final answer.
        fit_weights: Whether weights, sharpness and tempering are fitted to the replies of the search prompts at birth
            (docs/composition.md says which genes), rather than evolved.
    """

    plugins: Annotated[tuple[str, ...], Unrepeated] = ()
    methods: Annotated[tuple[str, ...], Unrepeated] = tuple(METHODS)
    merge_methods: Annotated[tuple[str, ...], Unrepeated] = ()
    max_member_nodes: Annotated[int, Field(ge=1, le=32)] = 5
    max_combiners: Annotated[int, Field(ge=0, le=16)] = 3
    max_drafts: Annotated[int, Field(ge=0, le=8)] = 1
    max_active_parameters: Annotated[int, Field(ge=1)] | None = None
    draft_tokens: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (8, 24)
    roles: Mapping[Name, Role] = {}
    templates: Annotated[tuple[str, ...], Field(min_length=1)] = ("{draft}\n",)
    member_temperature: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]] = (0.5, 1.5)
    prompt_tokens: Annotated[int, Field(ge=1)] = 96
    response: ResponseSpace = ResponseSpace()
    fit_weights: bool = False

    _ranges = field_validator("draft_tokens", "member_temperature")(_ascending)

    @field_validator("methods")
    @classmethod
    def _are_methods(cls, methods: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        known = [*METHODS, *offered_methods()]
        for method in methods:
            # What a plugin defines is known only once it is imported, which reading a file must not do.
            if method not in known and not info.data.get("plugins"):
                raise ValueError(f"{method!r} is no combiner method; {allowed_names(method, known)}")
        return methods

    @field_validator("merge_methods")
    @classmethod
    def _are_merge_methods(cls, methods: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        known = [*MERGES, *offered_merge_methods()]
        for method in methods:
            if method not in known and not info.data.get("plugins"):
                raise ValueError(f"{method!r} is no merge method; {allowed_names(method, known)}")
        return methods

    @field_validator("templates")
    @classmethod
    def _hold_one_draft(cls, templates: tuple[str, ...]) -> tuple[str, ...]:
        for template in templates:
            if problem := template_problem(template):
                raise ValueError(f"{template!r} is no template; {problem}")
        return templates

    @model_validator(mode="after")
    def _combines_or_not(self) -> Self:
        if self.merge_methods and not self.max_combiners:
            raise ValueError(
                f"merge_methods is {list(self.merge_methods)!r} while max_combiners is 0, and merges count among them; "
                "raise max_combiners, or leave merge_methods out"
            )
        if self.max_combiners and not self.methods:
            raise ValueError("methods is [] while max_combiners is above 0; name a method, or set max_combiners to 0")
        return self
