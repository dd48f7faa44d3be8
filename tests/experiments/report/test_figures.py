"""Figures are valid for plotly, hold the numbers of the run, and stay small."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.report.figures import (
    Figure,
    ancestors,
    diversity,
    failures,
    importance,
    lineage,
    operators,
    pareto,
    progress,
    usage,
    utilisation,
)
from experiments.report.figures.utilisation import running_time
from experiments.runs.population import mean_jaccard_distance
from experiments.runs.story import RunStory, Work
from tests.evolve.toy import ToyFactory, ToyPool, create
from tests.experiments.report.made_up import IMPORTANCES, MEMBERS, start


def all_figures(story: RunStory) -> list[Figure]:
    winner = story.state.incumbent
    return [
        progress({"evolution": story}),
        pareto(story, chosen=winner, max_points=50),
        lineage(story, winner),
        operators(story),
        diversity(story),
        *usage(story),
        utilisation(story.work),
        failures(story),
    ]


@pytest.fixture(scope="module")
def story(made_up_run: Path) -> RunStory:
    with RunStory(made_up_run) as story:
        story.advance()
    return story


def test_every_figure_is_valid_and_has_its_data(story: RunStory) -> None:
    figures = all_figures(story)
    assert len({figure.name for figure in figures}) == len(figures) == 9
    for figure in figures:
        go.Figure(data=list(figure.traces), layout=dict(figure.layout))  # raises on anything that plotly does not know
        assert figure.traces, figure.name
        assert len(figure.table), figure.name


def test_a_run_without_an_event_has_figures_without_marks(tmp_path: Path) -> None:
    start(tmp_path / "run").close()
    with RunStory(tmp_path / "run") as story:
        story.advance()
    figures = all_figures(story)
    assert not any(figure.traces for figure in figures)
    assert not any(len(figure.table) for figure in figures)


def test_a_problem_of_one_objective_that_nothing_is_known_of(tmp_path: Path) -> None:
    with create(tmp_path / "run") as run:
        run.advance(ToyPool(ToyFactory()))
    with RunStory(tmp_path / "run") as story:
        story.advance()
    figures = {figure.name: figure for figure in all_figures(story)}
    assert set(figures) == {"progress", "pareto", "lineage", "operators", "diversity", "utilisation", "failures"}
    assert figures["pareto"].layout["xaxis"]["title"]["text"] == "birth"
    assert figures["progress"].title == "Best and median quality"


def test_points_name_individuals_and_the_front_is_marked(story: RunStory) -> None:
    figure = pareto(story, chosen=story.state.incumbent, max_points=50)
    front = next(trace for trace in figure.traces if trace["name"] == "Pareto front")
    assert set(front["customdata"]) == {one.id for one in story.state.pareto_front}
    assert figure.listing is not None
    assert set(figure.listing["id"]) == set(front["customdata"])
    assert len(figure.table) == len(story.state.individuals)


def test_ancestors_end_at_those_without_parents(story: RunStory) -> None:
    youngest = max(story.state.individuals.values(), key=lambda one: one.birth)
    family = ancestors(story, youngest)
    ids = {birth.id for birth in family}
    assert youngest.id in ids
    assert all(set(birth.parents) <= ids for birth in family)
    assert any(not birth.parents for birth in family)


def test_operators_count_every_birth(story: RunStory) -> None:
    table = operators(story).table.set_index("operator")
    assert table.loc["founder", "births"] == sum(birth.operator.startswith("founder") for birth in story.births)
    assert (table["improved"] <= table["scored"]).all()
    bred = table[table["scored"] > 0]
    assert ((bred["low"] <= bred["share"]) & (bred["share"] <= bred["high"])).all()


def test_usage_is_of_members_and_methods_in_shares(story: RunStory) -> None:
    members, methods = usage(story)
    assert (members.name, methods.name) == ("usage-members", "usage-methods")
    assert set(members.table["member"]) == set(MEMBERS)
    assert members.table["share"].between(0, 1).all()


def test_failures_are_named_by_kind_and_first_line(story: RunStory) -> None:
    table = failures(story).table.set_index("kind")
    assert table.loc["CRASH", "message"] == "made up"
    assert table.loc["CRASH", "count"] == story.state.num_failures


blocks = st.dictionaries(st.sampled_from("abc"), st.integers(1, 3), min_size=1).map(lambda counts: {"parts": counts})


@given(st.lists(blocks, min_size=1, max_size=6))
def test_distance_is_in_range_and_0_for_equal_parts(population: list[dict[str, dict[str, int]]]) -> None:
    assert 0 <= mean_jaccard_distance(population) <= 1
    assert mean_jaccard_distance([population[0]] * 4) == 0
    assert mean_jaccard_distance([{"parts": {"a": 2}}, {"parts": {"b": 1}}]) == 1


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 500)), min_size=1, max_size=30))
def test_running_time_cuts_breaks_and_nothing_else(moments: Sequence[tuple[float, float]]) -> None:
    work = [Work("w", start, start + seconds, "birth", "") for start, seconds in moments]
    spans = running_time(work)
    assert spans[0][1] == 0
    for (one, begin, end), (_, later, _) in pairwise(spans):
        assert end - begin == pytest.approx(one.end - one.start, abs=1e-3)
        assert later >= begin - 1e-3
    busy_until = 0.0
    for _, begin, end in spans:
        assert begin - busy_until <= 60 + 1e-3
        busy_until = max(busy_until, end)


def test_very_many_evaluations_become_few_bars() -> None:
    work = [Work(f"w{i % 2}", float(i), i + 0.9, "birth", str(i)) for i in range(30_000)]
    figure = utilisation(work)
    assert sum(len(trace["x"]) for trace in figure.traces) <= 2500
    assert len(figure.table) == 30_000


def test_what_mattered_names_groups_and_genes_of_every_stage() -> None:
    figure = importance(IMPORTANCES)
    go.Figure(data=list(figure.traces), layout=dict(figure.layout))  # raises on anything that plotly does not know
    shares = figure.table.dropna(subset="share").groupby("panel")["share"].sum()
    assert shares.to_dict() == pytest.approx({"likelihood": 1.0, "search": 1.0})
    assert figure.traces[-1]["y"][-1] == "decoding · top_p"  # the strongest of the last stage is drawn on top
    assert "70%" in figure.caption


def test_what_mattered_of_a_run_that_is_not_over_says_so() -> None:
    assert not importance([]).traces
