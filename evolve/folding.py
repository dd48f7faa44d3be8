"""From a log to the state that it folds to, fast: what resuming and reading a run begin with.

The last snapshot knows the population and the digest as they were, so the fold leaves selection out until then. Nothing
is taken on trust that could be made again: ``evolve.history.replay`` folds everything and compares every snapshot.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from evolve.errors import ReplayMismatchError
from evolve.log_reading import RunLogReader
from evolve.state import RunState, apply, initial_state


def fold(log: RunLogReader) -> RunState:
    """The state after all events of a log; equal to the one that ``apply`` alone gives.

    Raises:
        RunCorruptError: An event cannot be trusted.
        ReplayMismatchError: An event, or the snapshot, does not follow from the events before.
    """
    state = initial_state(log.meta)
    snapshot = log.last_snapshot()
    if snapshot is not None:
        state.skim()
    with _garbage_kept():
        for event in log.events():
            apply(state, event)
            if snapshot is not None and event.kind == "commit" and state.num_commits == snapshot["commits"]:
                _compare(state, snapshot)
                state.restore(snapshot)
    return state


def _compare(state: RunState, snapshot: Mapping[str, Any]) -> None:
    found = state.summary()
    for name in ("births", "evaluations", "failures", "hall_of_fame"):
        if found[name] != snapshot[name]:
            raise ReplayMismatchError(
                f"After commit {state.num_commits} the log folds to {name} {found[name]!r}; the snapshot recorded "
                f"{snapshot[name]!r}. The log was changed, or written by another version of the engine."
            )


@contextmanager
def _garbage_kept() -> Iterator[None]:
    # Everything that a fold makes is kept; looking for garbage among millions of objects would take most of its time.
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
