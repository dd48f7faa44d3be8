"""The section ``data``: which texts the experiment is about, and how many prompts are cut from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from experiments.config.section import FilePath, Name, Section, Unrepeated


class ChitchatSource(Section):
    """The 7,168 conversations of the PyPI package ``chitchat-dataset``.

    Attributes:
        corpus: The name of this kind of source.
    """

    corpus: Literal["chitchat"]


class DocstringsSource(Section):
    """The prose of docstrings of installed packages, as in ``{corpus: docstrings, packages: [networkx]}``.

    Attributes:
        corpus: The name of this kind of source.
        packages: Names under which the packages are imported, each once; ``torch.nn`` takes a part of one.
    """

    corpus: Literal["docstrings"]
    packages: Annotated[tuple[str, ...], Field(min_length=1), Unrepeated]


class JsonlSource(Section):
    """A file of your own, one JSON document per line; experiments/corpora/jsonl.py says what a line may hold.

    Attributes:
        corpus: The name of this kind of source.
        path: The file.
    """

    corpus: Literal["jsonl"]
    path: FilePath


DomainSource = Annotated[ChitchatSource | DocstringsSource | JsonlSource, Field(discriminator="corpus")]
"""Where the documents of one domain come from."""


class PromptCounts(Section):
    """Prompts per split, as equally many from each domain as there are.

    Attributes:
        search: Evolution sees these, and no others.
        validation: The winner is chosen on these.
        test: The report reads these once.
    """

    search: Annotated[int, Field(ge=1)] = 96
    validation: Annotated[int, Field(ge=1)] = 180
    test: Annotated[int, Field(ge=1)] = 420


class DataConfig(Section):
    """The section ``data``.

    Attributes:
        domains: Source of every domain, by the name that recipes and reports use.
        prompts: Prompts per split.
    """

    domains: Annotated[Mapping[Name, DomainSource], Field(min_length=1)]
    prompts: PromptCounts = PromptCounts()
