"""The section ``fitness``: what compositions are selected on.

A user's own function is only named here: nothing of it is imported by reading an experiment.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Discriminator, Field, Tag, ValidationInfo, field_validator

from experiments.config.section import FilePath, Name, Section
from fitness.objectives import OBJECTIVES
from fitness.result import Direction
from genomes.sentences import allowed_names


def _reference(text: str) -> str:
    module, _, function = text.partition(":")
    if not function.isidentifier() or not all(part.isidentifier() for part in module.split(".")):
        raise ValueError(f"is {text!r}; allowed is 'module:function', as in 'politeness:share'")
    return text


class FunctionConfig(Section):
    """A user's own objective, as in ``{function: "politeness:share", direction: maximise}``.

    Attributes:
        function: ``module:function``; called with a ``fitness.objectives.Examination`` and the parameters, it gives one
            number or one number per prompt.
        direction: Which way is better.
        name: Names it in results; by default the function's name.
        unit: Unit for people.
        parameters: Keyword arguments of the function.
        path: Directory in which ``module.py`` is looked for before installed modules; that of the experiment file.
    """

    function: Annotated[str, AfterValidator(_reference)]
    direction: Direction
    name: Name | None = None
    unit: Annotated[str, Field(min_length=1)] = "in the unit of the function"
    parameters: Mapping[str, Any] = {}
    path: Annotated[FilePath, Field(default=".", validate_default=True)]

    @property
    def objective_name(self) -> str:
        """The name that results use."""
        return self.name or self.function.partition(":")[2]


def _known(name: str) -> str:
    if name not in OBJECTIVES:
        raise ValueError(f"is {name!r}; {allowed_names(name, OBJECTIVES)}")
    return name


def _embedding(name: str, info: ValidationInfo) -> str:
    """A directory beside the experiment file becomes absolute; anything else is a hub id."""
    directory = (info.context or {}).get("directory")
    beside = None if directory is None else directory / Path(name).expanduser()
    return str(beside.resolve()) if beside is not None and beside.is_dir() else name


def _entry_kind(entry: Any) -> str:
    return "name" if isinstance(entry, str) else "function"


ObjectiveEntry = Annotated[
    Annotated[Annotated[str, AfterValidator(_known)], Tag("name")] | Annotated[FunctionConfig, Tag("function")],
    Discriminator(_entry_kind),
]
"""The name of a built-in objective, or a function."""


class FitnessConfig(Section):
    """The section ``fitness``.

    Attributes:
        objectives: What is selected on: names of built-in objectives, which docs/objectives.md lists, or functions of
            your own. The first one leads: it orders the hall of fame and the report.
        prompts_per_evaluation: Prompts of the search split that one evaluation answers.
        scorer: ``bundled`` is the coherence scorer that ships with the package; ``fit`` fits one to the training
            split of this experiment's data as it is launched.
        embedding: Sentence-embedding model of a scorer that is fitted: an id of the Hugging Face hub, read as
            ``members.offline`` says, or a directory, relative to the experiment file. It must take the mean of its last
            hidden states. By default all-MiniLM-L6-v2, which comes with the package and reads English.
    """

    objectives: Annotated[tuple[ObjectiveEntry, ...], Field(min_length=1)] = ("coherence", "active_parameters")
    prompts_per_evaluation: Annotated[int, Field(ge=1)] = 24
    scorer: Literal["bundled", "fit"] = "bundled"
    embedding: Annotated[str, Field(min_length=1), AfterValidator(_embedding)] | None = None

    @property
    def objective_names(self) -> tuple[str, ...]:
        """The names of the objectives, the leading one first."""
        return tuple(_name_of(entry) for entry in self.objectives)

    @field_validator("objectives")
    @classmethod
    def _have_names_of_their_own(cls, entries: tuple[ObjectiveEntry, ...]) -> tuple[ObjectiveEntry, ...]:
        names = [_name_of(entry) for entry in entries]
        for place, name in enumerate(names):
            if name in names[:place]:
                raise ValueError(f"{name!r} stands more than once; name each once")
            if isinstance(entries[place], FunctionConfig) and name in OBJECTIVES:
                raise ValueError(f"{name!r} is a built-in objective; give your function another 'name'")
        return entries


def _name_of(entry: ObjectiveEntry) -> str:
    return entry.objective_name if isinstance(entry, FunctionConfig) else entry
