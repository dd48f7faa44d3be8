"""The section ``fitness``: what compositions are selected on."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field

from experiments.config.section import Section, Unrepeated

ObjectiveName = Literal["coherence", "nll", "active_parameters"]
OBJECTIVE_NAMES: tuple[ObjectiveName, ...] = get_args(ObjectiveName)


class FitnessConfig(Section):
    """The section ``fitness``.

    Attributes:
        objectives: What is selected on; the first one leads (it orders the hall of fame and the report).
        prompts_per_evaluation: Prompts of the search split that one evaluation answers.
        scorer: ``bundled`` is the coherence scorer that ships with the package; ``fit`` fits one to the training
            split of this experiment's data as it is launched.
    """

    objectives: Annotated[tuple[ObjectiveName, ...], Field(min_length=1), Unrepeated] = (
        "coherence",
        "active_parameters",
    )
    prompts_per_evaluation: Annotated[int, Field(ge=1)] = 24
    scorer: Literal["bundled", "fit"] = "bundled"
