"""What no single section can see: settings that are fine alone and impossible together."""

from __future__ import annotations

from collections.abc import Iterator

from evolve.settings import MULTI_OBJECTIVE
from experiments.config.bundled import bundled_member_names
from experiments.config.compositions import ExperimentConfig
from experiments.config.members import BundledMember, DirectoryMember, HubMember
from genomes.breeding.roles import limit_problems, role_problems, way_back
from genomes.sentences import allowed_names

Contradiction = tuple[tuple[str, ...], str]
"""Key path and sentence."""


def contradictions(config: ExperimentConfig) -> list[Contradiction]:
    """Every impossible combination of settings; empty where the experiment can run."""
    return [
        *_members(config),
        *_upstream(config),
        *_roles(config),
        *_fitness(config),
        *_search(config),
        *_judge(config),
    ]


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
        elif recipe.parent in recipes and recipes[recipe.parent].shape != recipe.shape:
            yield (
                (*path, "shape"),
                f"{recipe.shape!r} differs from the shape of the parent {recipe.parent!r}, which is "
                f"{recipes[recipe.parent].shape!r}; give both the same shape",
            )


def _upstream(config: ExperimentConfig) -> Iterator[Contradiction]:
    catalogue, recipes = config.members.catalogue, config.members.recipes
    waits_for = {name: recipe.waits_for for name, recipe in recipes.items()}
    for name, recipe in recipes.items():
        path = ("members", "catalogue", name, "train")
        for other in recipe.upstream.members if recipe.upstream else ():
            if other not in catalogue:
                others = [one for one in catalogue if one != name]
                yield (
                    (*path, "upstream", "members"),
                    f"{other!r} is no member of members.catalogue; {allowed_names(other, others)}",
                )
            elif len(roles := config.roles_for_upstream(name, other)) > 1:
                yield (
                    (*path, "upstream", "members"),
                    f"{other!r} plays the roles {', '.join(roles)}, all of which {name!r} reads, so its marker is not "
                    "known; train a member for each role",
                )
        if cycle := way_back(name, waits_for):
            key = "parent" if recipe.parent == cycle[1] else "upstream"
            yield (
                (*path, key),
                f"{' -> '.join(cycle)} is a cycle of parents and upstream members; train one of them without",
            )


def _roles(config: ExperimentConfig) -> Iterator[Contradiction]:
    catalogue, recipes, roles = config.members.catalogue, config.members.recipes, config.space.roles
    problems = role_problems(roles)
    yield from ((("space", "roles", name), problem) for name, problem in problems)
    if not problems:
        limits = {"max_member_nodes": config.space.max_member_nodes, "max_drafts": config.space.max_drafts}
        yield from ((("space", limit), problem) for limit, problem in limit_problems(roles, **limits))
    for name, role in roles.items():
        for member in role.members:
            if member not in catalogue:
                yield (
                    ("space", "roles", name, "members"),
                    f"{member!r} is no member of members.catalogue; {allowed_names(member, catalogue)}",
                )
            elif member in recipes and recipes[member].role != name:
                yield (
                    ("space", "roles", name, "members"),
                    f"{member!r} is trained for the role {recipes[member].role!r}; write role: {name} into its recipe, "
                    "or leave it out here",
                )
    for name, recipe in recipes.items():
        path = ("members", "catalogue", name, "train", "role")
        if recipe.role is None:
            continue
        if recipe.role not in roles:
            yield path, f"{recipe.role!r} is no role of space.roles; {allowed_names(recipe.role, roles)}"
        elif name not in roles[recipe.role].members:
            yield path, f"{recipe.role!r} does not list {name!r}; add it to space.roles.{recipe.role}.members"


def _fitness(config: ExperimentConfig) -> Iterator[Contradiction]:
    if config.fitness.embedding is not None and config.fitness.scorer == "bundled":
        yield (
            ("fitness", "embedding"),
            f"{config.fitness.embedding!r} is not what the bundled scorer was fitted with; write scorer: fit beside "
            "it, or leave it out",
        )


def _search(config: ExperimentConfig) -> Iterator[Contradiction]:
    drawn, available = config.fitness.prompts_per_evaluation, config.data.prompts.search
    if drawn > available:
        yield (
            ("fitness", "prompts_per_evaluation"),
            f"{drawn!r} is more than data.prompts.search, which is {available!r}; lower it, or raise that",
        )
    if config.search.mode in MULTI_OBJECTIVE and len(config.fitness.objectives) < 2:
        yield (
            ("search", "mode"),
            f"{config.search.mode!r} needs two objectives or more, and fitness.objectives is "
            f"{list(config.fitness.objective_names)!r}; "
            f"add one, or choose another mode",
        )


def _judge(config: ExperimentConfig) -> Iterator[Contradiction]:
    judge = config.report.judge
    for name, entry in config.members.catalogue.items():
        source = None
        if isinstance(judge, DirectoryMember) and isinstance(entry, DirectoryMember) and judge.path == entry.path:
            source = str(judge.path)
        if isinstance(judge, HubMember) and isinstance(entry, HubMember) and judge.hub == entry.hub:
            source = judge.hub
        if source is not None:
            yield (
                ("report", "judge"),
                f"{source!r} is the member {name!r} as well, and a model prefers its own words; take a model that is "
                f"unrelated to every member",
            )
