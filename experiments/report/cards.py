"""Cards: everything that a page shows of one individual when it is chosen, as plain data."""

from __future__ import annotations

import base64
import math
from typing import Any

from evolve.individual import Individual
from experiments.runs.story import RunStory


def card(story: RunStory, individual: Individual, *, has_picture: bool = True) -> dict[str, Any]:
    """The card of an individual.

    Args:
        story: Its run.
        individual: The individual.
        has_picture: Whether its graph is drawn; a picture is some ten thousand bytes.

    Returns:
        ``id``, ``birth``, ``operator``, ``parents``, ``summary``, ``figures`` and ``genes`` (pairs of texts),
        ``genome`` (its JSON) and ``picture`` (an address that holds the picture itself, or None).
    """
    results = individual.results
    error = results.standard_error
    figures = [(name.replace("_", " "), f"{value:.5g}") for name, value in results.means.items()]
    if math.isfinite(error):
        figures.append(("standard error of the first", f"{error:.3g}"))
    figures.append(("replicates", str(results.num_replicates)))
    return {
        "id": individual.id,
        "birth": individual.birth,
        "operator": individual.operator,
        "parents": list(individual.parents),
        "summary": story.view.summary(individual.genome_json),
        "figures": figures,
        "genes": story.view.genes(individual.genome_json),
        "genome": individual.genome_json,
        "picture": picture_address(story, individual) if has_picture else None,
    }


def picture_address(story: RunStory, individual: Individual) -> str | None:
    """The drawing as a data address: an image of its own, so that nothing in it can act on the page around it."""
    picture = story.view.picture(individual.genome_json, title=f"Individual {individual.id}")
    if picture is None:
        return None
    return "data:image/svg+xml;base64," + base64.b64encode(picture.encode()).decode()
