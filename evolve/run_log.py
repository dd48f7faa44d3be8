"""run.db opened for writing: SQLite (WAL) with one writer and any number of readers.

A transaction is on disk when ``append`` returns, so a process that is killed loses nothing that it was told is there.
What events mean is none of this file's business.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import sqlite3
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from evolve.errors import RunClosedError, RunCorruptError, RunDiskFullError, RunExistsError, RunLockedError
from evolve.jobs import Event
from evolve.log_reading import DATABASE, SCHEMA, RunLogReader, as_json, genesis, has_tables, linked

LOCK = "run.lock"

_TABLES = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE events (sequence INTEGER PRIMARY KEY, kind TEXT NOT NULL, payload TEXT NOT NULL, chain TEXT NOT NULL);
CREATE TABLE snapshots (commits INTEGER PRIMARY KEY, summary TEXT NOT NULL);
"""


class RunLog(RunLogReader):
    """The one writer of a run.db; holds a lock that ends with the process, however that ends."""

    def __init__(self, directory: Path | str) -> None:
        """Open the run in ``directory`` for appending.

        Raises:
            RunLockedError: Another process, or another object of this one, has it open for appending.
        """
        self._lock: IO[str] | None = None
        super().__init__(directory)
        self._lock = _locked(self.directory)
        try:
            with self._translated():
                connection = self._connected_or_located()
        except BaseException:
            self.close()
            raise
        super().close()
        self._connection = connection
        self._tail: tuple[int, str] | None = None  # number and hash of the last event, once it was read

    @classmethod
    def create(cls, directory: Path | str, meta: Mapping[str, Any], *, events: Iterable[Event] = ()) -> RunLog:
        """Make the directory and a log in it that begins with ``events``, all or nothing.

        Raises:
            RunExistsError: There is a run already.
        """
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        with _locked(directory), _room(directory, "create the run"):
            connection = _connected(directory / DATABASE)
            try:
                if has_tables(connection):
                    raise RunExistsError(
                        f"There is a run in {str(directory)!r} already; resume it, or choose another directory."
                    )
                rows = [(key, as_json(value)) for key, value in {**meta, "schema": SCHEMA}.items()]
                connection.executescript(f"BEGIN IMMEDIATE; {_TABLES}")
                connection.executemany("INSERT INTO meta VALUES (?, ?)", rows)
                stored = {key: json.loads(value) for key, value in rows}  # as it will be read
                connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?)", _rows(events, -1, genesis(stored)))
                connection.execute("COMMIT")
            finally:
                connection.close()
        return cls(directory)

    def append(self, events: Sequence[Event], *, snapshots: Mapping[int, Mapping[str, Any]] | None = None) -> None:
        """Write events, and summaries by number of commits, in one transaction; on disk when this returns.

        Raises:
            RunDiskFullError: There is no room. Nothing of this call was written, everything before is safe.
            RunClosedError: The log was closed.
        """
        if self._lock is None:
            raise RunClosedError(f"The run in {str(self.directory)!r} was closed; open it again to go on.")
        with _room(self.directory, f"write {len(events)} events"), self._transaction():
            sequence, chain = self._tail or self._read_tail()
            rows = list(_rows(events, sequence, chain))
            self._connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?)", rows)
            summaries = [
                (commits, as_json({**summary, "seal": self._seal(summary)}))
                for commits, summary in (snapshots or {}).items()
            ]
            self._connection.executemany("INSERT OR REPLACE INTO snapshots VALUES (?, ?)", summaries)
        self._tail = (rows[-1][0], rows[-1][3]) if rows else (sequence, chain)  # Not before it is on disk.

    def close(self) -> None:
        """Give the file and the lock back; may be called twice."""
        super().close()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _read_tail(self) -> tuple[int, str]:
        last = self._connection.execute("SELECT sequence, chain FROM events ORDER BY sequence DESC LIMIT 1")
        return last.fetchone() or (-1, self._genesis)

    def _connected_or_located(self) -> sqlite3.Connection:
        try:
            return _connected(self.path)
        except sqlite3.DatabaseError:
            deque(self.events(), maxlen=0)  # names the event that is damaged, where it is one
            raise

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            yield
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise


def salvage(directory: Path | str, destination: Path | str) -> int:
    """Copy the sound events of a damaged run into a new run directory, which can be resumed; gives their number.

    Raises:
        RunCorruptError: Not even the description of the run can be read.
        RunExistsError: There is a run in ``destination``.
    """
    with RunLogReader(directory) as damaged:
        events, meta = list(_sound(damaged)), damaged.meta
    with RunLog.create(destination, meta) as log:
        log.append(events)
    return len(events)


def is_being_written(directory: Path | str) -> bool:
    """Whether a process holds the lock of the run in a directory, so that it may grow while it is read."""
    path = Path(directory) / LOCK
    if not path.exists():
        return False
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _sound(reader: RunLogReader) -> Iterator[Event]:
    with suppress(RunCorruptError):
        yield from reader.events()


def _rows(events: Iterable[Event], sequence: int, chain: str) -> Iterator[tuple[int, str, str, str]]:
    """Events as rows, behind the one with this number and hash."""
    for event in events:
        payload = as_json(event.payload)
        sequence, chain = sequence + 1, linked(chain, event.kind, payload)
        yield sequence, event.kind, payload, chain


def _locked(directory: Path) -> IO[str]:
    # flock ends with the process, also after SIGKILL; the text in the file is only for the message.
    file = (directory / LOCK).open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise RunLockedError(
            f"The run in {str(directory)!r} is open for writing in process {holder}. Wait for it, stop it "
            f"(kill -INT {holder}), or read the run meanwhile with evolve.history."
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file


def _connected(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)  # transactions are begun and ended here, by hand
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


@contextmanager
def _room(directory: Path, what: str) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        family = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
        if family not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR):
            raise RunCorruptError(f"Could not {what} in {str(directory)!r}: {error}. Open the run again.") from error
        raise _full(directory, what, error) from error
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        raise _full(directory, what, error) from error


def _full(directory: Path, what: str, error: Exception) -> RunDiskFullError:
    return RunDiskFullError(
        f"Could not {what} in {str(directory)!r}: {error}. Everything committed before is safe; make room on that disk "
        "and resume the run."
    )
