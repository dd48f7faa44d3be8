"""What all sections of an experiment file share: strict, immutable models, and types of single values."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationInfo


class Section(BaseModel):
    """A section of an experiment file: no unknown keys, no silent conversions, no NaN, no change after loading."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


def _absolute(path: Path, info: ValidationInfo) -> Path:
    directory = (info.context or {}).get("directory")
    return path if directory is None else (directory / path.expanduser()).resolve()


def _unrepeated(values: tuple[Any, ...]) -> tuple[Any, ...]:
    repeated = [value for index, value in enumerate(values) if value in values[:index]]
    if repeated:
        raise ValueError(f"{repeated[0]!r} stands more than once; name each once")
    return values


FilePath = Annotated[Path, AfterValidator(_absolute)]
"""A path; a relative one is relative to the experiment file, and absolute once loaded."""

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=64)]
"""A name that is also a file name: letters, digits, ``_`` and ``-``."""

Unrepeated = AfterValidator(_unrepeated)
"""For sequences in which no value may stand twice."""
