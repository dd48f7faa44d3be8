"""Evaluations on disk, so that methods, seeds and processes of a comparison share work though each is charged for it.

A SQLite file of JSON; an evaluation is found again by genome key, evaluator version, panel and replicate. Failures that
may be the machine's fault are not kept.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from evolve.evaluator import BatchEvaluator, EvaluationRequest, Evaluator
from evolve.state import INFRASTRUCTURE
from fitness.result import Evaluation
from genomes.graph.identity import genome_key
from genomes.graph.serialization import genome_from_json

MEMO_FILE = "evaluations.db"

_BUSY_SECONDS = 60.0


class MemoisedEvaluator:
    """An evaluator that asks the memo first.

    Args:
        evaluator: Evaluates what is not there.
        version: Its factory's version.
        path: The SQLite file; made where it is not there. Any number of processes may use it.
    """

    def __init__(self, evaluator: Evaluator, *, version: str, path: Path) -> None:
        self._evaluator = evaluator
        self._version = version
        self._database = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        # A memo that loses its last entries in a power cut is still a memo.
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS evaluations (genome TEXT, version TEXT, panel TEXT, replicate INTEGER, "
            "evaluation TEXT, PRIMARY KEY (genome, version, panel, replicate)) WITHOUT ROWID"
        )

    def evaluate(self, request: EvaluationRequest) -> Evaluation:
        """The evaluation of a request, computed where nobody did so before."""
        address = (genome_key(genome_from_json(request.genome)), self._version, request.panel, request.replicate)
        row: tuple[Any, ...] | None = self._database.execute(
            "SELECT evaluation FROM evaluations WHERE genome = ? AND version = ? AND panel = ? AND replicate = ?",
            address,
        ).fetchone()
        if row is not None:
            return Evaluation.from_json(json.loads(row[0]))
        evaluation = self._evaluator.evaluate(request)
        if evaluation.outcome not in INFRASTRUCTURE:
            self._database.execute(
                "INSERT OR IGNORE INTO evaluations VALUES (?, ?, ?, ?, ?)", (*address, json.dumps(evaluation.to_json()))
            )
        return evaluation

    def evaluate_batch(self, requests: Sequence[EvaluationRequest]) -> list[Evaluation]:
        """The evaluations of several requests, which are not kept: the last bits of floats depend on the others."""
        if isinstance(self._evaluator, BatchEvaluator):
            return list(self._evaluator.evaluate_batch(requests))
        return [self.evaluate(request) for request in requests]

    def close(self) -> None:
        """Give the file back."""
        self._database.close()
