"""What happens inside a worker, the same in this process and in a Ray actor: each request becomes one evaluation.

Here it is decided which exception is which outcome, and what an evaluator may return. No process is started here.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from deap import base

from evolve.evaluator import BatchEvaluator, EvaluationRequest, Evaluator, EvaluatorFactory
from fitness.result import Evaluation, Outcome

_MEMORY_PHRASES = ("out of memory", "can't allocate memory", "not enough memory")


def make_evaluator(factory: EvaluatorFactory, *, num_threads: int) -> Evaluator:
    """The factory's evaluator, made and to be used with ``num_threads`` torch threads in this process."""
    import torch  # Here, because it takes seconds: whoever only names a pool does not need it.

    torch.set_num_threads(num_threads)
    return factory()


def evaluate_guarded(evaluator: Evaluator, request: EvaluationRequest, *, deadline_seconds: float) -> Evaluation:
    """The evaluation of one request, finite or failed, whatever the evaluator raises or returns.

    The worker's own clock decides about lateness, so that a result does not depend on when it was asked for.
    """
    started = time.monotonic()
    try:
        evaluation = _checked(evaluator.evaluate(request))
    except (Exception, SystemExit) as error:
        outcome = Outcome.OOM if is_out_of_memory(error) else Outcome.CRASH
        evaluation = Evaluation.failed(outcome, describe(error))
    seconds = time.monotonic() - started
    if seconds > deadline_seconds:
        return timed_out(deadline_seconds, seconds=seconds)
    return replace(evaluation, seconds=seconds)


def evaluate_together(
    evaluator: Evaluator, requests: Sequence[EvaluationRequest], *, deadline_seconds: float
) -> list[Evaluation] | None:
    """The evaluations of several requests in order, where the evaluator takes them together; else None.

    None as well where it raises, takes longer than as many deadlines, or returns anything else than evaluations: then
    each request is to be evaluated alone, so that nobody fails by the others' fault.
    """
    if len(requests) < 2 or not isinstance(evaluator, BatchEvaluator):
        return None
    started = time.monotonic()
    try:
        evaluations = [_checked(evaluation) for evaluation in evaluator.evaluate_batch(requests)]
    except (Exception, SystemExit):
        return None
    each = (time.monotonic() - started) / len(requests)
    if len(evaluations) != len(requests) or each > deadline_seconds:
        return None
    return [replace(evaluation, seconds=each) for evaluation in evaluations]


def evaluation_toolbox(
    evaluate: Callable[[EvaluationRequest], Evaluation],
    together: Callable[[Sequence[EvaluationRequest]], list[Evaluation] | None],
) -> base.Toolbox:
    """The toolbox of whoever evaluates: ``map(evaluate, requests)`` gives the evaluations in order.

    Args:
        evaluate: Evaluates one request.
        together: Evaluates several at once; None where each is to be evaluated alone.
    """

    def mapped(
        function: Callable[[EvaluationRequest], Evaluation], requests: Sequence[EvaluationRequest]
    ) -> list[Evaluation]:
        evaluations = together(requests)
        return list(map(function, requests)) if evaluations is None else evaluations

    toolbox = base.Toolbox()
    toolbox.register("evaluate", evaluate)
    toolbox.register("map", mapped)
    return toolbox


def timed_out(deadline_seconds: float, *, seconds: float) -> Evaluation:
    """The result of an evaluation that took ``seconds``, more than its deadline."""
    return Evaluation.failed(Outcome.TIMEOUT, f"no result within {deadline_seconds:g} s", seconds=seconds)


def is_spoiling(evaluation: Evaluation) -> bool:
    """Whether the evaluator that gave this is not to be used again.

    It was cut off, or holds memory that it should not, or lost its GPU: every call fails after a CUDA error.
    """
    return evaluation.outcome in (Outcome.TIMEOUT, Outcome.OOM) or "CUDA error" in (evaluation.error or "")


def describe(error: BaseException) -> str:
    """One line for people: type, text, and where it was raised."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" [{Path(frames[-1].filename).name}:{frames[-1].lineno} in {frames[-1].name}]" if frames else ""
    return f"{type(error).__name__}: {error}{place}"


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, of the host or of a GPU."""
    if isinstance(error, MemoryError):
        return True
    # torch.OutOfMemoryError is a RuntimeError; the allocator of the CPU raises a plain one.
    return isinstance(error, RuntimeError) and any(phrase in str(error) for phrase in _MEMORY_PHRASES)


def _checked(evaluation: object) -> Evaluation:
    """The evaluation with plain floats; a failed one keeps its error alone, as its numbers may be anything."""
    if not isinstance(evaluation, Evaluation):
        raise TypeError(f"the evaluator returned {evaluation!r}; it has to return an Evaluation")
    if not evaluation.is_ok:
        return Evaluation.failed(evaluation.outcome, evaluation.error or evaluation.outcome.value)
    plain = replace(
        evaluation,
        objectives=_floats(evaluation.objectives),
        scores=_floats(evaluation.scores),
        metrics=_floats(evaluation.metrics),
        details={measure: _floats(numbers) for measure, numbers in evaluation.details.items()},
    )
    finite = Evaluation.ok(plain.objectives, scores=plain.scores, metrics=plain.metrics, details=plain.details)
    return plain if finite.is_ok else finite


def _floats(numbers: Mapping[str, float]) -> dict[str, float]:
    return {name: float(number) for name, number in numbers.items()}
