"""A user's own Python function as an objective: found, hashed, and run under its name.

Describing one (config, logs, reports) never imports its module: that happens in ``check`` and in ``measure`` alone, so
somebody else's run can be looked at without running their code.
"""

from __future__ import annotations

import importlib
import inspect
import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from hashlib import blake2b
from importlib.util import find_spec, module_from_spec, spec_from_file_location
from numbers import Real
from pathlib import Path
from types import ModuleType
from typing import Any

from fitness.objectives.base import (
    Measurement,
    NonFiniteObjectiveError,
    ObjectiveError,
    ObjectiveOperator,
    mean_of,
)
from fitness.objectives.examination import Examination
from fitness.result import Direction


@dataclass(frozen=True)
class FunctionObjective(ObjectiveOperator):
    """``function(examination, **parameters)``, which gives one number, or one number per prompt.

    Numbers per prompt are averaged, and kept for intervals and tests. The function has to give equal numbers for equal
    examinations: a draw takes its seed from ``examination.seeds``.

    Attributes:
        name: Key of its values.
        direction: Which way is better.
        unit: Unit for people.
        reference: ``"module:function"``; the module is a file in ``directory`` or an installed one.
        directory: Where ``module.py`` is looked for first. That file must not import others beside it: what is hashed
            is this one.
        parameters: Keyword arguments, plain data.
        source_hash: Hash of the module's file, see ``of``.
    """

    name: str
    direction: Direction
    unit: str
    reference: str
    directory: Path
    parameters: Mapping[str, Any] = field(default_factory=dict)
    source_hash: str = ""

    @classmethod
    def of(
        cls,
        reference: str,
        *,
        name: str,
        direction: Direction,
        unit: str,
        directory: Path,
        parameters: Mapping[str, Any],
    ) -> FunctionObjective:
        """The objective with the hash of its module's file as it is now; for arguments see the class.

        Raises:
            ObjectiveError: There is no such module.
        """
        source = _source(reference, directory)
        return cls(name, direction, unit, reference, directory, dict(parameters), _hash(source))

    @property
    def version(self) -> str:
        """Covers the module's source, the function and its parameters."""
        text = repr((self.reference, sorted(self.parameters.items()), self.source_hash))
        return f"{self.name}/{blake2b(text.encode(), digest_size=12).hexdigest()}"

    def check(self) -> None:
        """Import the function and try whether it takes its parameters.

        Raises:
            ObjectiveError: It cannot be imported, is not there, or does not take them.
        """
        function = self._function()
        try:
            inspect.signature(function).bind(None, **self.parameters)
        except TypeError as error:
            raise ObjectiveError(
                f"{self._described} is called with an examination and the parameters {sorted(self.parameters)!r}, but "
                f"has the signature {inspect.signature(function)}: {error}. Change 'parameters', or the function."
            ) from None

    def measure(self, examination: Examination) -> Measurement:
        """See the base class.

        Raises:
            ObjectiveError: The function raises, or gives what is no number and no numbers per prompt.
            NonFiniteObjectiveError: A number is not finite.
        """
        function = self._function()
        try:
            given = function(examination, **self.parameters)
            numbers: list[Any] = [given] if isinstance(given, Real) else list(given)
        except MemoryError:
            raise
        except Exception as error:
            raise ObjectiveError(f"{self._described} raised {type(error).__name__}: {error}") from error
        for place, number in enumerate(numbers):
            if isinstance(number, bool) or not isinstance(number, Real):
                raise ObjectiveError(f"{self._described} gave {number!r}; allowed is a number, or a number per prompt.")
            if not math.isfinite(number):
                where = "" if isinstance(given, Real) else f" for prompt {place}"
                raise NonFiniteObjectiveError(f"{self._described} gave {float(number)!r}{where}")
        if isinstance(given, Real):
            return Measurement(float(given))
        if len(numbers) != examination.num_prompts:
            raise ObjectiveError(
                f"{self._described} gave {len(numbers)!r} numbers for {examination.num_prompts!r} prompts; allowed is "
                f"one per prompt, or one number for all."
            )
        return mean_of([float(number) for number in numbers])

    @property
    def _described(self) -> str:
        return f"The objective {self.name!r} ({self.reference})"

    def _function(self) -> Callable[..., Any]:
        module = _module(self.reference, self.directory, self.source_hash)
        function_name = self.reference.partition(":")[2]
        function = getattr(module, function_name, None)
        if not callable(function):
            offered = sorted(name for name, value in vars(module).items() if inspect.isfunction(value))
            close = get_close_matches(function_name, offered, n=1)
            raise ObjectiveError(
                f"{self._described} is not there: {module.__file__} has no function {function_name!r}; its "
                f"functions are {', '.join(offered) or 'none'}." + (f" Did you mean {close[0]!r}?" if close else "")
            )
        found: Callable[..., Any] = function
        return found


def _source(reference: str, directory: Path) -> Path:
    """The file of the module; nothing but the packages that an installed module lies in is imported."""
    name = reference.partition(":")[0]
    beside = directory / f"{name.replace('.', '/')}.py"
    if beside.is_file():
        return beside
    try:
        spec = find_spec(name)
    except (ImportError, ValueError):
        spec = None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        raise ObjectiveError(
            f"{reference!r} names the module {name!r}, and there is no such module: {str(beside)!r} is no file, and "
            f"none is installed. Allowed is 'module:function', with a file {name.rpartition('.')[2]}.py beside the "
            f"experiment or an installed module."
        )
    return Path(spec.origin)


def _hash(source: Path) -> str:
    return blake2b(source.read_bytes(), digest_size=12).hexdigest()


@lru_cache(maxsize=64)
def _module(reference: str, directory: Path, source_hash: str) -> ModuleType:
    """The module, once per process and content."""
    source = _source(reference, directory)
    if _hash(source) != source_hash:
        raise ObjectiveError(
            f"{str(source)!r} was changed since this experiment was started, so {reference!r} would give other values. "
            f"Set it back, or start a new run."
        )
    name = reference.partition(":")[0]
    try:
        if source != directory / f"{name.replace('.', '/')}.py":
            return importlib.import_module(name)
        # Under a name of its own: a file called random.py must not stand in for the library's.
        own_name = f"composite_evolve_objective_{source.stem}_{source_hash}"
        spec = spec_from_file_location(own_name, source)
        assert spec is not None  # A file that ends in .py has a loader.
        assert spec.loader is not None
        module = module_from_spec(spec)
        sys.modules[own_name] = module
        spec.loader.exec_module(module)
        return module
    except Exception as error:
        raise ObjectiveError(f"{str(source)!r} cannot be imported: {type(error).__name__}: {error}") from error
