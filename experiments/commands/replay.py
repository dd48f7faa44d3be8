"""``evolve runs replay``: fold a run's log again, and with ``--verify`` check it against everything that was stored."""

from __future__ import annotations

from pathlib import Path

from evolve.history import Verification, read_state, replay


def replay_run(directory: Path, *, verify: bool) -> Verification | None:
    """Fold the log again and print what came out.

    Raises:
        RunCorruptError: An event was changed or is missing.
        ReplayMismatchError: The log does not give the stored state.
    """
    if not verify:
        state = read_state(directory)
        print(f"{directory}: {state.num_commits} commits, {state.num_births} births, digest {state.digest}")
        return None
    verification = replay(directory)
    print(
        f"{directory}: verified. {verification.num_events} events fold to the {verification.num_snapshots} stored "
        f"states; {verification.num_commits} commits, digest {verification.digest}"
    )
    return verification
