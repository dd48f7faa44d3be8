"""What no single section can see: settings that are fine alone and impossible together."""

from __future__ import annotations

from collections.abc import Iterator

from experiments.config.bundled import bundled_member_names
from experiments.config.experiment import ExperimentConfig
from experiments.config.members import BundledMember
from experiments.config.section import allowed_names

Contradiction = tuple[tuple[str, ...], str]
"""Key path and sentence."""


def contradictions(config: ExperimentConfig) -> list[Contradiction]:
    """Every impossible combination of settings; empty where the experiment can run."""
    return [*_members(config), *_search(config)]


def _members(config: ExperimentConfig) -> Iterator[Contradiction]:
    catalogue, recipes = config.members.catalogue, config.members.recipes
    for name, entry in catalogue.items():
        if isinstance(entry, BundledMember) and entry.bundled not in bundled_member_names():
            yield (
                ("members", "catalogue", name, "bundled"),
                f"{entry.bundled!r} is no bundled member; {allowed_names(entry.bundled, bundled_member_names())}",
            )
    for name, recipe in recipes.items():
        path = ("members", "catalogue", name, "train")
        for domain in recipe.domains:
            if domain not in config.data.domains:
                yield (
                    (*path, "domains", domain),
                    f"{domain!r} is no domain of data.domains; {allowed_names(domain, config.data.domains)}",
                )
        if recipe.parent is None:
            continue
        if recipe.parent not in catalogue:
            others = [other for other in catalogue if other != name]
            yield (
                (*path, "parent"),
                f"{recipe.parent!r} is no member of members.catalogue; {allowed_names(recipe.parent, others)}",
            )
        elif cycle := _cycle(config, name):
            yield (*path, "parent"), f"{' -> '.join(cycle)} is a cycle of parents; train one of them without a parent"
        elif recipe.parent in recipes and recipes[recipe.parent].shape != recipe.shape:
            yield (
                (*path, "shape"),
                f"{recipe.shape!r} differs from the shape of the parent {recipe.parent!r}, which is "
                f"{recipes[recipe.parent].shape!r}; give both the same shape",
            )


def _cycle(config: ExperimentConfig, name: str) -> list[str] | None:
    recipes = config.members.recipes
    lineage = [name]
    while (recipe := recipes.get(lineage[-1])) is not None and recipe.parent is not None:
        if recipe.parent == name:
            return [*lineage, name]
        if recipe.parent in lineage:
            return None  # The cycle is further up, and is reported there.
        lineage.append(recipe.parent)
    return None


def _search(config: ExperimentConfig) -> Iterator[Contradiction]:
    drawn, available = config.fitness.prompts_per_evaluation, config.data.prompts.search
    if drawn > available:
        yield (
            ("fitness", "prompts_per_evaluation"),
            f"{drawn!r} is more than data.prompts.search, which is {available!r}; lower it, or raise that",
        )
    if config.search.mode == "nsga2" and len(config.fitness.objectives) < 2:
        yield (
            ("search", "mode"),
            f"'nsga2' needs two objectives or more, and fitness.objectives is "
            f"{list(config.fitness.objective_names)!r}; "
            f"add one, or choose another mode",
        )
