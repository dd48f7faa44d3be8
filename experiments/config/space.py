"""The section ``space``: which compositions the search may build."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator

from experiments.config.section import Section, Unrepeated, allowed_names
from genomes.combiners import COMBINERS


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
        methods: Combiner methods that genomes may use.
        max_member_nodes: Most member nodes of a genome; one member may fill several.
        max_combiners: Most combiner nodes; 0 leaves single members and chains.
        max_drafts: Most drafts of other members that a member node may read; 0 is no chaining.
        draft_tokens: Shortest and longest draft, in tokens.
        templates: How a draft enters the prompt of the member that reads it; ``{draft}`` stands in it once.
        member_temperature: Lowest and highest temperature that a member's logits are divided by.
        prompt_tokens: Tokens of every member's input that drafts leave free for the prompt.
        response: Decoding settings of the final answer.
    """

    methods: Annotated[tuple[str, ...], Unrepeated] = tuple(COMBINERS)
    max_member_nodes: Annotated[int, Field(ge=1, le=32)] = 5
    max_combiners: Annotated[int, Field(ge=0, le=16)] = 3
    max_drafts: Annotated[int, Field(ge=0, le=8)] = 1
    draft_tokens: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] = (8, 24)
    templates: Annotated[tuple[str, ...], Field(min_length=1)] = ("{draft}\n",)
    member_temperature: tuple[Annotated[float, Field(gt=0)], Annotated[float, Field(gt=0)]] = (0.5, 1.5)
    prompt_tokens: Annotated[int, Field(ge=1)] = 96
    response: ResponseSpace = ResponseSpace()

    _ranges = field_validator("draft_tokens", "member_temperature")(_ascending)

    @field_validator("methods")
    @classmethod
    def _are_methods(cls, methods: tuple[str, ...]) -> tuple[str, ...]:
        for method in methods:
            if method not in COMBINERS:
                raise ValueError(f"{method!r} is no combiner method; {allowed_names(method, COMBINERS)}")
        return methods

    @field_validator("templates")
    @classmethod
    def _hold_one_draft(cls, templates: tuple[str, ...]) -> tuple[str, ...]:
        for template in templates:
            if template.count("{draft}") != 1 or "{prompt}" in template:
                allowed = "texts with '{draft}' once and without '{prompt}'"
                raise ValueError(f"{template!r} is no template; allowed are {allowed}")
        return templates

    @model_validator(mode="after")
    def _combines_or_not(self) -> Self:
        if self.max_combiners and not self.methods:
            raise ValueError("methods is [] while max_combiners is above 0; name a method, or set max_combiners to 0")
        return self
