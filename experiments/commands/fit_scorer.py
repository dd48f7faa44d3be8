"""``evolve scorer fit``: a coherence scorer for the texts of an experiment."""

from __future__ import annotations

from pathlib import Path

from experiments.config import load_experiment
from experiments.corpora.panels import load_documents
from experiments.files import replaced_directory, require_free
from experiments.problems.compositions.scorers import encoder_for, fit_scorer
from genomes.members.quiet import quiet_transformers
from genomes.running.threads import torch_threads


def fit_scorer_to(experiment: Path, to: Path, *, settings: tuple[str, ...] = (), overwrite: bool = False) -> str:
    """Fit a scorer to the training split of an experiment's texts, and write it.

    Args:
        experiment: The experiment file.
        to: The directory to write.
        settings: ``section.key=value`` overrides of the experiment.
        overwrite: Replace the directory if it is there already.

    Returns:
        The version of the scorer.

    Raises:
        FileExistsError: ``to`` is not empty.
        ValueError: A domain has fewer than 20 training documents, or all of them are one group.
    """
    require_free(to, overwrite=overwrite)
    config = load_experiment(experiment, settings)
    documents = load_documents(config.data)
    # Sums of floats, and with them the scorer's weights, depend on the number of threads.
    with torch_threads(1), quiet_transformers():
        scorer = fit_scorer(documents, encoder=encoder_for(config))
    with replaced_directory(to) as directory:
        scorer.save(directory)
    print(f"Wrote {to}: scorer {scorer.version}, fitted to {', '.join(documents)}")
    return scorer.version
