"""Experiment files: what is refused, in which words, and what survives a round trip."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from experiments.config import (
    QUICKSTART,
    ConfigError,
    bundled_member_names,
    experiment_from_document,
    init_template,
    load_experiment,
)
from experiments.config.loading import kind_in_file
from experiments.config.members import DirectoryMember
from tests.experiments.config.least import LEAST, problems

SHIPPED = [
    path
    for folder in (QUICKSTART.parent, QUICKSTART.parent / "bundled")
    for path in sorted(folder.glob("*.yaml"))
    if kind_in_file(path, allowed=("agent",)) is None  # those on agents have sections of their own
]
RECIPE = "{train: {tokens: 1000000, domains: {talk: 1}%s}}"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_shipped_experiments_load_and_survive_a_round_trip(path: Path) -> None:
    config = load_experiment(path)
    document = yaml.safe_load(yaml.safe_dump(config.to_document()))
    again = experiment_from_document(document)
    assert again == config
    assert again.config_hash == config.config_hash


def test_quickstart_has_the_bundled_members() -> None:
    config = load_experiment(QUICKSTART)
    assert tuple(config.members.catalogue) == bundled_member_names()
    assert config.fitness.objectives == ("coherence",)
    assert config.budget.answers is not None
    assert config.workers.count == 2


def test_template_is_the_quickstart_under_another_name(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(init_template("mine"))
    assert load_experiment(path) == load_experiment(QUICKSTART, ["name=mine"])
    assert "#" in path.read_text()


def test_relative_paths_are_relative_to_the_file(least: Path) -> None:
    config = load_experiment(
        least, ["data.domains.mine={corpus: jsonl, path: my.jsonl}", "members.catalogue.mine={path: ./my-gpt2}"]
    )
    document = config.to_document()
    assert document["data"]["domains"]["mine"]["path"] == str(least.parent / "my.jsonl")
    assert document["members"]["catalogue"]["mine"]["path"] == str(least.parent / "my-gpt2")
    assert experiment_from_document(document) == config


def test_overrides_win_over_the_file_in_their_order(least: Path) -> None:
    config = load_experiment(
        least,
        ["search.population=20", "search.tournament=5", "search.population=24", "seed=9", "data.prompts={test: 6}"],
    )
    assert (config.search.population, config.seed, config.data.prompts.test, config.data.prompts.search) == (
        24,
        9,
        6,
        96,
    )


def test_numbers_with_exponents_are_numbers(least: Path) -> None:
    override = "members.catalogue.t={train: {tokens: 2e6, domains: {talk: 1}, learning_rate: 2e-3}}"
    recipe = load_experiment(least, [override]).members.recipes["t"]
    assert (recipe.tokens, recipe.learning_rate) == (2_000_000, 2e-3)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "space.methodz=[mean]",
            "space.methodz: unknown key; allowed: 'draft_tokens', .*Did you mean 'methods'?",
        ),
        ("serch.population=3", "serch: unknown key; allowed: 'budget', .*Did you mean 'search'?"),
        ("search.lagg=3", "search.lagg: unknown key; .*Did you mean 'lag'?"),
        ("workers.gpu=1", "workers.gpu: unknown key; allowed: 'count', "),
        ("space.methods=[meann]", "space.methods: 'meann' is no combiner method; .*Did you mean 'mean'?"),
        ("space.methods=[mean,mean]", "space.methods: 'mean' stands more than once"),
        ("space.methods=[]", "space.methods: is [] while max_combiners is above 0; name a method"),
        (
            "space.templates=['{draft}{prompt}']",
            "space.templates: '{draft}{prompt}' is no template; it must hold",
        ),
        ("space.draft_tokens=[9,8]", "space.draft_tokens: [9, 8] is no range; give the lower bound first"),
        ("space.response.temperature=[0,1]", "space.response.temperature[0]: is 0; it should be greater than 0"),
        ("space.response=3", "space.response: is 3; it should be a mapping"),
        ("space.max_combiners=-1", "space.max_combiners: is -1; it should be greater than or equal to 0"),
        ("seed=true", "seed: is True; it should be a valid integer"),
        ("seed='5'", "seed: is '5'; it should be a valid integer"),
        ("name=a/b", "name: 'a/b' is no name; allowed are letters, digits, '_' and '-'"),
        ("data.domains={}", "data.domains: is {}; "),
        ("data.domains.a b={corpus: chitchat}", "data.domains.a b: 'a b' is no name; allowed are"),
        ("data.domains.x={corpus: jsn}", "data.domains.x.corpus: is 'jsn'; allowed: .*Did you mean 'jsonl'?"),
        ("data.domains.x={corpus: jsonl}", "data.domains.x.path: missing; this key has no default"),
        ("data.domains.x={}", "data.domains.x.corpus: missing; this key has no default"),
        ("X={}", "X: is {}; allowed is a mapping with exactly one of the keys"),
        ("X={path: a, hub: b}", "X: is {.*}; allowed is a mapping with exactly one"),
        ("X={bundled: generalst}", "X.bundled: 'generalst' is no bundled member; .*Did you mean 'generalist'?"),
        ("X=" + RECIPE % ", dropot: 1", "X.train.dropot: unknown key; .*Did you mean 'dropout'?"),
        ("X=" + RECIPE % ", dropout: 1", "X.train.dropout: is 1.0; allowed are numbers from 0 and below 1"),
        ("X=" + RECIPE % ", precision: int8", "X.train.precision: is 'int8'; allowed: 'bfloat16', 'float32'"),
        ("X=" + RECIPE % ", shape: {width: 10, heads: 3}", "X.train.shape: Shape(width=10, .* is no GPT-2 shape"),
        ("X={train: {tokens: 7, domains: {talk: 1}}}", "X.train.tokens: is 7; one update of"),
        (
            "X={train: {tokens: 1000000, domains: {tlk: 1}}}",
            "X.train.domains.tlk: 'tlk' is no domain of data.domains; .*Did you mean 'talk'?",
        ),
        (
            "X=" + RECIPE % ", parent: generalst",
            "X.train.parent: 'generalst' is no member of members.catalogue; .*Did you mean",
        ),
        ("X=" + RECIPE % ", parent: x", "X.train.parent: x -> x is a cycle of parents"),
        ("fitness.objectives=[coherenc]", "fitness.objectives[0]: is 'coherenc'; .*Did you mean 'coherence'?"),
        ("fitness.objectives=[]", "fitness.objectives: is []; Tuple should have at least 1 item"),
        (
            "fitness.prompts_per_evaluation=97",
            "fitness.prompts_per_evaluation: 97 is more than data.prompts.search, which is 96",
        ),
        ("fitness.scorer=gpt", "fitness.scorer: is 'gpt'; allowed: 'bundled', 'fit'"),
        (
            "fitness.embedding=some/model",
            "fitness.embedding: 'some/model' is not what the bundled scorer was fitted with; write scorer: fit beside",
        ),
        ("fitness.embedding=''", "fitness.embedding: is ''; String should have at least 1 character"),
        ("search.tournament=65", "search.tournament: is 65, more than search.population (64)"),
        ("search.mode=agng", "search.mode: is 'agng'; .*Did you mean 'aging'?"),
        ("search.rescore_every=1", "search.rescore_every: is 1; it has to be a whole number of at least 2"),
        ("budget.births=0", "budget.births: is 0; it has to be a whole number of at least 1"),
        ("budget.seconds=.nan", "budget.seconds: is nan; it should be a finite number"),
        ("workers.count=0", "workers.count: count of the workers is 0; allowed are whole numbers from 1"),
        (
            "report.baselines=[best]",
            "report.baselines[0]: is 'best'; allowed: .*'best_member', .*'random_search'",
        ),
        ("report.judge=smollm", "report.judge: is 'smollm'; allowed: 'smollm2'"),
        ("report.judge={bundled: generalist}", "report.judge: is {.*}; allowed is null, 'smollm2', or a mapping with"),
        ("report.judge={path: a, revision: b}", "report.judge.revision: unknown key; allowed: 'path'"),
        ("report.judge_prompts=1", "report.judge_prompts: is 1; it should be greater than or equal to 2"),
        ("report.bootstrap_resamples=1", "report.bootstrap_resamples: is 1; it should be greater than or equal to 100"),
    ],
)
def test_a_wrong_setting_is_named_with_its_value_and_what_is_allowed(least: Path, override: str, message: str) -> None:
    override, message = (text.replace("X", "members.catalogue.x", 1) for text in (override, message))
    pattern = re.escape(message).replace(r"\.\*", ".*")
    (problem,) = problems(least, override)
    assert re.match(pattern, problem), problem
    assert problem.endswith(f"(override {override!r})")


@pytest.mark.parametrize(
    ("source", "name"), [("{path: a}", "a"), ("{hub: openai-community/gpt2}", "openai-community/gpt2")]
)
def test_a_judge_that_is_a_member_is_refused(least: Path, source: str, name: str) -> None:
    (problem,) = problems(least, f"members.catalogue.x={source}", f"report.judge={source}")
    assert re.match(rf"report.judge: '.*{name}' is the member 'x' as well, and a model prefers its own words", problem)


def test_a_relative_path_of_a_judge_is_relative_to_the_file(least: Path) -> None:
    judge = load_experiment(least, ["report.judge={path: judges/one}"]).report.judge
    assert isinstance(judge, DirectoryMember)
    assert judge.path == least.parent / "judges" / "one"


FUNCTION = "fitness.objectives=[nll, {function: %s, direction: maximise%s}]"


@pytest.mark.parametrize(
    ("function", "further", "message"),
    [
        ("mine", "", "fitness.objectives[1].function: is 'mine'; allowed is 'module:function', as in"),
        ("'mine:a-b'", "", "fitness.objectives[1].function: is 'mine:a-b'; allowed is"),
        ("'mine:f'", ", nmae: x", "fitness.objectives[1].nmae: unknown key; allowed: 'direction', 'function', 'name'"),
        ("'mine:nll'", ", name: nll", "fitness.objectives: 'nll' stands more than once"),
        ("'mine:coherence'", "", "fitness.objectives: 'coherence' is a built-in objective; give your function another"),
    ],
)
def test_functions_are_checked_by_name(least: Path, function: str, further: str, message: str) -> None:
    (problem,) = problems(least, FUNCTION % (function, further))
    assert problem.startswith(message)


def test_a_function_is_named_and_found_beside_the_file_without_being_imported(least: Path) -> None:
    config = load_experiment(least, [FUNCTION % ("'nowhere.mine:share'", ", parameters: {words: [please]}")])
    assert config.fitness.objective_names == ("nll", "share")
    assert config.to_document()["fitness"]["objectives"][1]["path"] == str(least.parent)
    assert experiment_from_document(config.to_document()) == config


def test_an_embedding_is_a_directory_beside_the_file_or_a_hub_id(least: Path) -> None:
    (least.parent / "mine").mkdir()
    for name, kept in (("mine", str(least.parent / "mine")), ("some/model", "some/model")):
        config = load_experiment(least, [f"fitness.embedding={name}", "fitness.scorer=fit"])
        assert config.fitness.embedding == kept
        assert experiment_from_document(config.to_document()) == config


@pytest.mark.parametrize("mode", ["nsga2", "nsga3", "spea2"])
def test_some_modes_need_two_objectives(least: Path, mode: str) -> None:
    (problem,) = problems(least, f"search.mode={mode}", "fitness.objectives=[coherence]")
    assert problem.startswith(
        f"search.mode: {mode!r} needs two objectives or more, and fitness.objectives is ['coherence']"
    )


def test_a_function_that_chooses_parents_is_only_named(least: Path) -> None:
    config = load_experiment(least, ["search.select=no_such_module:choose"])
    assert experiment_from_document(config.to_document()).search.select == "no_such_module:choose"


def test_cycles_and_shapes_of_parents(least: Path) -> None:
    found = problems(
        least,
        "members.catalogue.a=" + RECIPE % ", parent: b",
        "members.catalogue.b=" + RECIPE % ", parent: a",
        "members.catalogue.c=" + RECIPE % ", parent: a",
        "members.catalogue.d=" + RECIPE % "",
        "members.catalogue.e=" + RECIPE % ", parent: d, shape: {layers: 1}",
    )
    assert [problem.split(";")[0] for problem in found[1:]] == [
        "members.catalogue.a.train.parent: a -> b -> a is a cycle of parents and upstream members",
        "members.catalogue.b.train.parent: b -> a -> b is a cycle of parents and upstream members",
    ]
    assert re.match(r"members.catalogue.e.train.shape: Shape\(.*layers=1.* differs from .* parent .d.", found[0])
    assert len(found) == 3


def test_every_problem_is_listed_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(LEAST.replace("chitchat", "chatchit") + "seed: -1\nspace:\n  methods: [mean, 7]\n")
    found = problems(path)
    assert [(problem.split(":")[0], problem.rpartition(", ")[2]) for problem in found] == [
        ("seed", "line 8)"),
        ("data.domains.talk.corpus", "line 4)"),
        ("space.methods[1]", "line 10)"),
    ]
    error = pickle.loads(pickle.dumps(ConfigError(found)))  # noqa: S301 (our own bytes)
    assert str(error).startswith("3 problems in the experiment:\n  - seed: is -1; ")


def test_missing_sections_are_named(tmp_path: Path) -> None:
    path = tmp_path / "short.yaml"
    path.write_text("name: short\n")
    assert problems(path) == [
        f"data: missing; this key has no default ({path})",
        f"members: missing; this key has no default ({path})",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty; allowed is a mapping with the keys name, seed, data"),
        ("- 1\n", "is a list; allowed is a mapping"),
        ("name: [1\n", ", line 2, column 1: no valid YAML: expected ',' or ']'"),
        ("name: a\nseed: 1\nname: b\n", "name: stands twice, in line 1 and in line 3; keep one"),
        ("data: {domains: {a: 1, a: 2}}\n", "data.domains.a: stands twice, in line 1 and in line 1"),
        ("name: !!python/object/apply:os.system [exit]\n", "could not determine a constructor for the tag"),
        ("name: &n a\nseed: 1\ndata: &d {x: *n, y: {}}\nspace: *d\n", "space: an anchor is used again"),
        ("name: !!binary aGVsbG8=\n", "holds a value that is no number, text, list or mapping"),
        ("seed: 09e\nname: 2020-01-01\n", "data: missing"),
    ],
)
def test_files_that_are_no_experiment(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "odd.yaml"
    path.write_text(text)
    assert any(message in problem and str(path) in problem for problem in problems(path)), problems(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    (problem,) = problems(tmp_path / "none.yaml")
    assert problem.startswith(f"{tmp_path / 'none.yaml'}: cannot be read: No such file or directory. Give the path")


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "binary.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    assert problems(path) == [
        f"{path}: cannot be read: it is no UTF-8 text. Give the path of an experiment file; `evolve init` writes one."
    ]


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("population", "override 'population': allowed is 'section.key=value'"),
        ("a..b=1", "override 'a..b=1': allowed is 'section.key=value'"),
        ("search.lag=[1", "override 'search.lag=[1': the value '[1' is no valid YAML"),
        ("name.first=x", "override 'name.first=x': name is 'least', which has no keys; override it as a whole"),
    ],
)
def test_overrides_that_are_none(least: Path, override: str, message: str) -> None:
    (problem,) = problems(least, override)
    assert problem.startswith(message)


def test_only_what_may_change_on_resume_keeps_the_hash(least: Path) -> None:
    config = load_experiment(least)
    longer = load_experiment(least, ["budget.births=999", "workers.count=7", "report.finalists=1", "name=other"])
    other = load_experiment(least, ["search.lag=3", "workers.cpus_per_worker=2"])
    assert longer.config_hash == config.config_hash
    assert other.config_hash != config.config_hash


def test_a_loaded_experiment_cannot_be_changed(least: Path) -> None:
    config = load_experiment(least)
    with pytest.raises(ValueError, match="frozen"):
        config.seed = 3  # type: ignore[misc]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
)


@given(VALUES)
def test_whatever_a_document_holds_is_a_config_error(value: object) -> None:
    for document in ({"name": value}, {"name": "x", "data": value, "members": {"catalogue": value}}):
        with pytest.raises(ConfigError):
            experiment_from_document(document)
