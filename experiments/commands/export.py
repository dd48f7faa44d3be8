"""``evolve export``: the winner of a run as a directory that ``AutoModelForCausalLM.from_pretrained`` loads."""

from __future__ import annotations

from pathlib import Path

from evolve.history import read_state
from evolve.log_reading import RunLogReader
from experiments.config import experiment_from_document
from experiments.config.loading import AGENT_KIND
from experiments.export.artifact import write_artifact
from experiments.export.card import model_card
from experiments.preparation import load_catalogue
from experiments.results import Results
from genomes.serialization import genome_from_json


def export_winner(directory: Path, to: Path, *, overwrite: bool = False) -> Path:
    """Write the winner of a run as an artifact.

    The winner is the one of the final comparison; of a run without one it is the incumbent, and the card says so.

    Args:
        directory: The run directory.
        to: Directory to write.
        overwrite: Replace an existing directory.

    Raises:
        RunMissingError: There is no run in the directory.
        FileExistsError: ``to`` is not empty.
    """
    with RunLogReader(directory) as log:
        document, libraries = log.meta["config"], log.meta["libraries"]
    if document.get("kind") == AGENT_KIND:
        from experiments.agent_export import export_agent

        return export_agent(directory, to, overwrite=overwrite)
    config = experiment_from_document(document)
    results = Results.read(directory)
    state = read_state(directory)
    if results is not None:
        genome_json = results.winner.genome
    elif state.incumbent is not None:
        genome_json = state.incumbent.genome_json
    else:
        raise ValueError(
            f"The run in {directory} has no result yet, so there is nothing to export. "
            f"Go on with it first: evolve resume {directory}"
        )
    genome = genome_from_json(genome_json)
    card = model_card(genome, config=config, state=state, results=results, libraries=libraries)
    write_artifact(genome, load_catalogue(config), to, card=card, overwrite=overwrite)
    print(f"Wrote {to}: config.json, safetensors, tokenizer, genome.json, graph.svg, README.md")
    return to
