"""``evolve export --as merged|distilled``: a composition as one plain GPT-2 that needs nothing of this package."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from rich.console import Console

from evolve.history import read_state
from evolve.log_reading import RunLogReader
from experiments.config import experiment_from_document, load_experiment
from experiments.corpora.streams import token_streams
from experiments.files import require_free
from experiments.problems import problem_of_run
from experiments.problems.compositions.export import chosen_genome
from experiments.problems.compositions.fitting import fitted_for_export
from experiments.problems.compositions.genome_file import read_genome
from experiments.problems.compositions.preparation import prepare
from experiments.problems.compositions.prepared import PreparedCompositions
from experiments.problems.compositions.results import Results
from experiments.terminal.output import standard_output
from experiments.terminal.progress import Display
from experiments.unify.distilled import Student, distil_composition
from experiments.unify.folder import write_unified
from experiments.unify.merged import merge_composition
from experiments.unify.report import UnifiedReport
from experiments.unify.tables import print_report
from genomes.graph.genome import Genome
from genomes.graph.serialization import genome_from_json
from genomes.running.threads import torch_threads
from genomes.sentences import allowed_names

KINDS = ("composite", "merged", "distilled")
"""What ``--as`` may say."""


def export_unified(
    source: Path,
    to: Path,
    *,
    kind: str,
    members: Path | None = None,
    individual: str | None = None,
    student: Mapping[str, int] | None = None,
    overwrite: bool = False,
    console: Console | None = None,
) -> UnifiedReport:
    """Write a composition as one plain GPT-2, print what was kept and return it.

    Args:
        source: A run directory, or a genome file together with ``members``.
        to: Directory to write.
        kind: ``"merged"`` or ``"distilled"``.
        members: The experiment file that has a genome file's members.
        individual: Id or key of another individual of the run than the winner.
        student: Sizes of the distilled model: ``layers``, ``width`` and ``tokens``, each where it is not the default.
        overwrite: Replace what is there.
        console: Where the table goes; standard output without.

    Raises:
        ValueError: There is no such kind, or no such composition in the run.
        MergeError: Members of different shapes are to be merged; names tensor and shapes.
        FileExistsError: ``to`` is not empty.
    """
    if kind not in KINDS or (kind == "composite" and not student):
        raise ValueError(f"--as is {kind!r}; {allowed_names(kind, KINDS)}")
    if kind != "distilled" and student:
        raise ValueError(
            f"--as is {kind!r}, which has no student, but {', '.join(student)} is given; leave out --student-layers, "
            "--student-width and --tokens."
        )
    require_free(to, overwrite=overwrite)
    console = console or standard_output()
    with Display(Console(stderr=True)) as display:
        genome, prepared = _composition(source, members, individual, display)
        with torch_threads(prepared.config.workers.cpus_per_worker):
            if kind == "merged":
                unified = merge_composition(genome, prepared.catalogue)
            else:
                streams_with = partial(token_streams, prepared.documents, domains=list(prepared.documents))
                unified = distil_composition(
                    genome,
                    prepared.catalogue,
                    streams_with,
                    Student(**(student or {}), seed=prepared.config.seed),
                    on_progress=partial(display.training, "student"),
                )
            report = write_unified(genome, unified, to, prepared)
    print_report(report, console=console)
    console.print(f"Wrote {to}: config.json, model.safetensors, tokenizer, genome.json, report.json, README.md")
    return report


def _composition(
    source: Path, members: Path | None, individual: str | None, display: Display
) -> tuple[Genome, PreparedCompositions]:
    if members is not None:
        prepared = prepare(load_experiment(members), is_serial=True, on_progress=display.training)
        genome = read_genome(source, prepared.space)
    else:
        problem = problem_of_run(source)
        if not problem.gives_language_models:
            raise ValueError(
                f"The run in {source} is of the kind {problem.kind!r}; only compositions of language models become one."
            )
        with RunLogReader(source) as log:
            config = experiment_from_document(log.meta["config"])
        prepared = prepare(config, is_serial=True, on_progress=display.training)
        chosen = chosen_genome(source, read_state(source), Results.read(source), individual=individual)
        genome = genome_from_json(chosen)
    return fitted_for_export(genome, prepared.config, prepared.catalogue), prepared
