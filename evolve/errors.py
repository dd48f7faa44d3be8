"""What can go wrong in a search, as a tree of exceptions. Every message says what, where, and what to do.

::

    EvolveError
    ├── SettingsError (ValueError)    a setting or budget that makes no sense
    ├── SpaceError (ValueError)       the search space broke its protocol
    │   └── OperatorError             one of its operators raised
    ├── PoolContractError             a pool of workers lost a ticket
    └── RunError                      something about a run directory
        ├── RunExistsError            there is a run already
        ├── RunMissingError           there is no run
        ├── RunLockedError            another process is writing it
        ├── RunClosedError            this object has given the run back
        ├── RunDiskFullError          no room to write; nothing committed is lost
        ├── RunCorruptError           run.db cannot be trusted from some event on
        ├── RunSchemaError            run.db was written by another version of this package
        ├── ConfigChangedError        resumed under a configuration that would change its trajectory
        └── ReplayMismatchError       the log does not fold to what was recorded

    KeyboardInterrupt
    └── RunInterruptedError           Ctrl-C: the run is closed and can be resumed
"""

from __future__ import annotations


class EvolveError(Exception):
    """Everything that evolve/ raises of its own."""


class SettingsError(EvolveError, ValueError):
    """A setting or a budget that makes no sense."""


class SpaceError(EvolveError, ValueError):
    """The search space broke its protocol, e.g. with an invalid random genome."""


class OperatorError(SpaceError):
    """A mutation or crossover raised."""


class PoolContractError(EvolveError):
    """A pool of workers says that nothing is out while tickets have not come back."""


class RunError(EvolveError):
    """Something about a run directory."""


class RunExistsError(RunError):
    """There is a run in the directory already."""


class RunMissingError(RunError):
    """There is no run in the directory."""


class RunLockedError(RunError):
    """Another process is writing the run."""


class RunClosedError(RunError):
    """The run was closed, here or by an earlier error; open it again."""


class RunDiskFullError(RunError):
    """There was no room to write; what was committed before is safe."""


class RunCorruptError(RunError):
    """run.db cannot be read, or its chain of hashes is broken.

    Attributes:
        num_sound_events: How many events from the first on can be trusted.
    """

    def __init__(self, message: str, num_sound_events: int = 0) -> None:
        super().__init__(message)
        self.num_sound_events = num_sound_events


class RunSchemaError(RunError):
    """run.db was written under a schema that this package does not read, or planned by rules that it does not have."""


class ConfigChangedError(RunError):
    """A run was resumed under a configuration that would change its trajectory."""


class ReplayMismatchError(RunError):
    """The events do not fold to what was recorded."""


class RunInterruptedError(KeyboardInterrupt):
    """Ctrl-C arrived; the run is closed with everything committed on disk."""
