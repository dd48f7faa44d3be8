"""run.db opened for reading: the description of a run, its events and its snapshots, checked as they are read.

Every event carries a hash over itself and the one before, so that damage is noticed and located. run_log.py writes what
is read here.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson

from evolve.closeable import Closeable
from evolve.errors import RunCorruptError, RunMissingError, RunSchemaError
from evolve.jobs import Event

SCHEMA = "composite-evolve/run/1"
DATABASE = "run.db"

_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)


class RunLogReader(Closeable):
    """A run.db opened for reading, also while another process writes it.

    Attributes:
        directory: The run directory.
        meta: What the run was created with.
    """

    def __init__(self, directory: Path | str) -> None:
        """Open the run in ``directory``.

        Raises:
            RunMissingError, RunCorruptError, RunSchemaError: There is no run, none to trust, or none of this version.
        """
        self.directory = Path(directory)
        if not self.path.exists():
            raise RunMissingError(f"There is no {DATABASE} in {str(self.directory)!r}; create a run there first.")
        with self._translated():
            self._connection = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode=ro", uri=True)
            # Makes SQLite read what there is of a file that was cut short, instead of refusing all of it.
            self._connection.execute("PRAGMA writable_schema = ON")
            self.meta = self._read_meta()
        self._genesis = genesis(self.meta)
        self._num_followed = 0
        self._followed_chain = self._genesis

    @property
    def path(self) -> Path:
        """The database file."""
        return self.directory / DATABASE

    def events(self) -> Iterator[Event]:
        """All events in order, each checked against the chain of hashes.

        Raises:
            RunCorruptError: At the first event that cannot be trusted, with the number of those that can.
        """
        for _, event in self._checked(0, self._genesis):
            yield event

    def new_events(self) -> Iterator[Event]:
        """The events behind those that this method gave before: it follows a run that grows, each event once.

        Raises:
            RunCorruptError: As ``events``.
        """
        for chain, event in self._checked(self._num_followed, self._followed_chain):
            self._num_followed, self._followed_chain = self._num_followed + 1, chain
            yield event

    def _checked(self, start: int, chain: str) -> Iterator[tuple[str, Event]]:
        """Events from number ``start`` on, each with its hash; ``chain`` is that of the event before."""
        expected = start
        try:
            rows = self._connection.execute(
                "SELECT sequence, kind, payload, chain FROM events WHERE sequence >= ? ORDER BY sequence", (start,)
            )
            for sequence, kind, payload, stored in rows:
                chain = linked(chain, kind, payload)
                if sequence != expected or chain != stored:
                    raise self._broken(expected, "its hash does not follow from the events before it")
                yield chain, Event(kind, decoded(payload))
                expected += 1
        except sqlite3.DatabaseError as error:
            raise self._broken(expected, f"SQLite says {str(error)!r}") from error

    def snapshots(self) -> dict[int, Mapping[str, Any]]:
        """Summary of the state by the number of commits it was taken after."""
        with self._translated():
            rows = self._connection.execute("SELECT commits, summary FROM snapshots ORDER BY commits")
            return {commits: self._unsealed(commits, summary) for commits, summary in rows}

    def last_snapshot(self) -> Mapping[str, Any] | None:
        """The last summary that events lead up to and that a state can be restored from; None where there is none."""
        with self._translated():
            ((num_commits,),) = self._connection.execute("SELECT COUNT(*) FROM events WHERE kind = 'commit'")
            query = "SELECT commits, summary FROM snapshots WHERE commits <= ? ORDER BY commits DESC LIMIT 1"
            for commits, text in self._connection.execute(query, (num_commits,)):
                summary = self._unsealed(commits, text)
                return summary if "islands" in summary else None  # Older versions did not record them.
        return None

    def close(self) -> None:
        """Give the file back; may be called twice."""
        self._connection.close()

    def _seal(self, summary: Mapping[str, Any]) -> str:
        """The hash that a snapshot is stored with: a state is restored from it."""
        return linked(self._genesis, "snapshot", as_json(summary))

    def _unsealed(self, commits: int, text: str) -> Mapping[str, Any]:
        summary: dict[str, Any] = json.loads(text)
        stored = summary.pop("seal", None)
        if stored is not None and stored != self._seal(summary):
            raise RunCorruptError(
                f"{str(self.path)!r} is damaged in the snapshot after commit {commits}: it does not have the hash that "
                "it was written with. Copy the events to a new run, in Python by "
                "evolve.run_log.salvage('OLD', 'NEW'), which leaves snapshots behind, and resume the new run."
            )
        return summary

    def _read_meta(self) -> dict[str, Any]:
        if not has_tables(self._connection):
            raise RunMissingError(f"{str(self.path)!r} is empty: creating the run was interrupted; create it again.")
        meta = {key: json.loads(value) for key, value in self._connection.execute("SELECT key, value FROM meta")}
        if meta.get("schema") != SCHEMA:
            raise RunSchemaError(
                f"{str(self.path)!r} has schema {meta.get('schema')!r}; this version of composite-evolve reads "
                f"{SCHEMA!r}. Open it with the version that wrote it: {meta.get('libraries', {})!r}."
            )
        return meta

    def _broken(self, sequence: int, why: str) -> RunCorruptError:
        return RunCorruptError(
            f"{str(self.path)!r} is damaged at event {sequence}: {why}. The {sequence} events before it are sound. "
            "Restore the file from a backup, or copy the sound events to a new run, in Python by "
            "evolve.run_log.salvage('OLD', 'NEW'), and resume the new run: the rest is searched again, alike.",
            sequence,
        )

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.DatabaseError, json.JSONDecodeError) as error:
            raise RunCorruptError(
                f"{str(self.path)!r} cannot be read: {str(error)!r}. No event of it can be trusted; restore the file "
                "from a backup, or start a new run with the same seed: its trajectory is the same."
            ) from error


def genesis(meta: Mapping[str, Any]) -> str:
    """The hash that the first event's is linked to: it covers the description of the run."""
    return hashlib.blake2b(as_json(dict(sorted(meta.items()))).encode(), digest_size=16).hexdigest()


def linked(chain: str, kind: str, payload: str) -> str:
    """The hash of an event, given that of the event before it."""
    return hashlib.blake2b(f"{chain}\n{kind}\n{payload}".encode(), digest_size=16).hexdigest()


def decoded(payload: str) -> dict[str, Any]:
    """What ``as_json`` made a text of."""
    try:
        document: dict[str, Any] = orjson.loads(payload)
    except orjson.JSONDecodeError:  # Half characters, which an error's text may hold, are no JSON to orjson.
        document = json.loads(payload)
    return document


def as_json(value: Any) -> str:
    """The text that is stored. Raises ValueError for numbers that are not finite."""
    return _ENCODER.encode(value)


def has_tables(connection: sqlite3.Connection) -> bool:
    """Whether a run was created in the database, all of it."""
    return connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'meta'").fetchone() is not None
