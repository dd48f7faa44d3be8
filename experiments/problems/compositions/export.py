"""A composition as a directory that ``AutoModelForCausalLM.from_pretrained`` loads.

It comes from a run (the winner, or any individual that is named) or from a genome file that somebody wrote.
"""

from __future__ import annotations

from pathlib import Path

from evolve.compatibility import installed_versions
from evolve.history import read_state
from evolve.individual import Individual
from evolve.log_reading import RunLogReader
from evolve.state import RunState
from experiments.config import experiment_from_document, load_experiment
from experiments.export.artifact import write_artifact
from experiments.problems.compositions.card import hand_written_card, model_card
from experiments.problems.compositions.fitting import fitted_for_export
from experiments.problems.compositions.front import Front
from experiments.problems.compositions.genome_file import read_genome
from experiments.problems.compositions.preparation import composition_space, load_catalogue
from experiments.problems.compositions.results import Results
from genomes.graph.serialization import genome_from_json
from genomes.methods.plugins import load_plugins
from genomes.sentences import allowed_names


def export_composition(directory: Path, to: Path, *, individual: str | None = None, overwrite: bool = False) -> Path:
    """Write a composition of a run as an artifact; what it takes and raises is said in ``export_winner``."""
    with RunLogReader(directory) as log:
        document, libraries = log.meta["config"], log.meta["libraries"]
    config = experiment_from_document(document)
    results = Results.read(directory)
    state = read_state(directory)
    genome_json = chosen_genome(directory, state, results, individual=individual)
    catalogue = load_catalogue(config)
    space = config.space
    load_plugins(modules=space.plugins, methods=space.methods, merge_methods=space.merge_methods)
    genome = fitted_for_export(genome_from_json(genome_json), config, catalogue)
    card = model_card(
        genome, config=config, state=state, results=results, front=Front.read(directory), libraries=libraries
    )
    write_artifact(genome, catalogue, to, card=card, overwrite=overwrite)
    _say_written(to)
    return to


def export_genome(path: Path, experiment: Path, to: Path, *, overwrite: bool = False) -> Path:
    """Write a genome file as an artifact; members that have to be trained are trained first.

    Args:
        path: The genome file.
        experiment: The experiment file that has its members.
        to: Directory to write.
        overwrite: Replace an existing directory.

    Raises:
        GenomeFormatError, InvalidGenomeError: It is no valid genome over these members.
        FileExistsError: ``to`` is not empty.
    """
    config = load_experiment(experiment)
    catalogue = load_catalogue(config)
    genome = fitted_for_export(read_genome(path, composition_space(config, catalogue)), config, catalogue)
    card = hand_written_card(genome, config=config, libraries=installed_versions())
    write_artifact(genome, catalogue, to, card=card, overwrite=overwrite)
    _say_written(to)
    return to


def chosen_genome(directory: Path, state: RunState, results: Results | None, *, individual: str | None) -> str:
    """The JSON of the individual that is named, else of the winner, else of the incumbent.

    Raises:
        ValueError: There is none.
    """
    if individual is not None:
        return found_individual(state, individual).genome_json
    if results is not None:
        return results.winner.genome
    if state.incumbent is not None:
        return state.incumbent.genome_json
    raise ValueError(
        f"The run in {directory} has no result yet, so there is nothing to export. "
        f"Go on with it first: evolve resume {directory}"
    )


def found_individual(state: RunState, name: str) -> Individual:
    """The individual with an id, or the one whose key begins with ``name``.

    Raises:
        ValueError: There is none, or more than one.
    """
    everyone = state.individuals.values()
    found = [one for one in everyone if one.id == name] or [one for one in everyone if one.key.startswith(name)]
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(f"--individual is {name!r}, with which {len(found)} keys begin; give more of the key.")
    names = [one.key[:8] for one in state.pareto_front]
    raise ValueError(
        f"--individual is {name!r}, and nobody in this run has that id or key (`evolve runs history` has all of them). "
        f"Of its Pareto front, {allowed_names(name, names)}"
    )


def _say_written(to: Path) -> None:
    print(f"Wrote {to}: config.json, safetensors, tokenizer, genome.json, graph.svg, README.md")
