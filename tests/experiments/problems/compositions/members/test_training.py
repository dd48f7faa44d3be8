"""Members of an experiment: trained once, parents first, the same side by side in Ray as one after another."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from safetensors.torch import load_file

from experiments.config import ExperimentConfig, load_experiment
from experiments.corpora.documents import Document
from experiments.corpora.panels import load_documents
from experiments.corpora.splits import documents_in
from experiments.problems.compositions.members.training import member_catalogue, train_members
from genomes.members.catalogue import MemberCatalogue
from genomes.members.errors import MemberLoadError, MemberTrainingError
from genomes.members.store import Store

EXPERIMENT = """\
name: tiny
data:
  domains:
    talk: {corpus: jsonl, path: talk.jsonl}
    more: {corpus: jsonl, path: more.jsonl}
members:
  tokenizer: {vocabulary_size: 270}
  catalogue:
    child: {train: {domains: {talk: 1}, tokens: 384, shape: SHAPE, parent: base, batch_size: 8, seed: 2}}
    base: {train: {domains: {talk: 1, more: 1}, tokens: 384, shape: SHAPE, batch_size: 8, seed: 1}}
    other: {train: {domains: {more: 1}, tokens: 384, shape: SHAPE, batch_size: 8, seed: 3}}
workers: {count: 2}
""".replace("SHAPE", "{width: 16, layers: 1, heads: 2, positions: 16}")

Documents = dict[str, list[Document]]


@pytest.fixture
def config(tmp_path: Path) -> ExperimentConfig:
    for name in ("talk", "more"):
        lines = [{"turns": [f"{name} asks {index}?", f"{name} answers {index}."]} for index in range(60)]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    path = tmp_path / "tiny.yaml"
    path.write_text(EXPERIMENT)
    return load_experiment(path)


@pytest.fixture
def documents(config: ExperimentConfig) -> Documents:
    return load_documents(config.data)


@pytest.fixture(scope="module")
def ray_with_room() -> Iterator[None]:
    """One Ray for the tests that need it, because starting it takes longer than they do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_AUTH_MODE", "disabled")
        import ray

        ray.init(
            address="local", num_cpus=2, include_dashboard=False, object_store_memory=100 << 20, log_to_driver=False
        )
        yield
        ray.shutdown()


def recorder(shares: dict[str, list[float]]) -> Callable[[str, float], None]:
    return lambda name, share: shares.setdefault(name, []).append(share)


def test_parents_are_trained_first_and_nothing_twice(
    config: ExperimentConfig, documents: Documents, tmp_path: Path
) -> None:
    store, shares = Store(tmp_path / "store"), {}
    first = train_members(config, documents, store=store, is_serial=True, on_progress=recorder(shares))
    assert list(first) == ["child", "base", "other"]
    assert list(shares).index("base") < list(shares).index("child")
    assert all(len(values) > 1 and values[-1] == 1.0 and values == sorted(values) for values in shares.values())
    again: dict[str, list[float]] = {}
    assert train_members(config, documents, store=store, is_serial=True, on_progress=recorder(again)) == first
    assert again == {"base": [1.0], "other": [1.0], "child": [1.0]}
    infos = member_catalogue(config, documents, store=store, is_serial=True).infos()
    assert len({info.key for info in infos.values()}) == 3
    assert len({info.tokenizer_key for info in infos.values()}) == 1


@pytest.mark.ray
@pytest.mark.usefixtures("ray_with_room")
def test_ray_trains_the_same_members_as_the_serial_twin(
    config: ExperimentConfig, documents: Documents, tmp_path: Path
) -> None:
    shares: dict[str, list[float]] = {}
    side_by_side = train_members(config, documents, store=Store(tmp_path / "ray"), on_progress=recorder(shares))
    assert all(values[-1] == 1.0 for values in shares.values())
    serial = train_members(config, documents, store=Store(tmp_path / "serial"), is_serial=True)
    for name, directory in serial.items():
        assert side_by_side[name].name == directory.name
        ours, theirs = (load_file(path / "model.safetensors") for path in (side_by_side[name], directory))
        assert all(abs(ours[key] - theirs[key]).max() < 1e-3 for key in ours)


@pytest.mark.ray
@pytest.mark.usefixtures("ray_with_room")
def test_a_failing_task_names_its_member(config: ExperimentConfig, documents: Documents, tmp_path: Path) -> None:
    without = documents | {"talk": []}
    for is_serial in (True, False):
        with pytest.raises(
            MemberTrainingError, match="Member 'base' cannot be trained: ValueError: Domain 'talk' has 0 tr"
        ):
            train_members(config, without, store=Store(tmp_path / "store"), is_serial=is_serial)


def test_a_parent_that_is_not_trained_here_brings_its_tokenizer(
    config: ExperimentConfig, documents: Documents, tmp_path: Path
) -> None:
    store = Store(tmp_path / "store")
    base = train_members(config, documents, store=store, is_serial=True)["base"]
    settings = [f"members.catalogue.base={{path: {base}}}", "members.tokenizer.vocabulary_size=300"]
    tuned = load_experiment(tmp_path / "tiny.yaml", settings)
    infos = member_catalogue(tuned, documents, store=store, is_serial=True).infos()
    assert infos["child"].tokenizer_key == infos["base"].tokenizer_key != infos["other"].tokenizer_key
    gone = load_experiment(tmp_path / "tiny.yaml", ["members.catalogue.base={path: nowhere}"])
    with pytest.raises(MemberLoadError, match=r"Member 'base' cannot be loaded from directory '.*nowhere'"):
        train_members(gone, documents, store=store, is_serial=True)


def test_training_sees_the_training_split_alone(config: ExperimentConfig, documents: Documents, tmp_path: Path) -> None:
    train = {domain: documents_in(members, "train") for domain, members in documents.items()}
    store = Store(tmp_path / "store")
    directories = train_members(config, train, store=store, is_serial=True)
    assert train_members(config, documents, store=store, is_serial=True) == directories
    changed = train | {"talk": [replace(train["talk"][0], turns=("something", "else")), *train["talk"][1:]]}
    assert train_members(config, changed, store=store, is_serial=True)["base"] != directories["base"]


CHAIN = [
    "space.max_drafts=2",
    "space.roles={facts: {members: [other], marker: 'f: ', returns: [text, distribution]},"
    " edit: {members: [editor], marker: 'e: ', expects: [facts], returns: [text]},"
    " core: {members: [child], marker: 'c: ', expects: [edit], returns: [distribution]}}",
    "members.catalogue.other.train.role=facts",
    "members.catalogue.other.train.shape.positions=64",
    "members.catalogue.other.train.tokens=512",
]
CHAINED = (
    "{{train: {{domains: {{talk: 1}}, role: {role}, tokens: 1024, batch_size: 8, seed: {seed}, parent: other,"
    " shape: {{width: 16, layers: 1, heads: 2, positions: 64}},"
    " upstream: {{members: [{upstream}], draft_tokens: 2}}}}}}"
)


def test_a_chain_is_trained_from_its_first_member_to_its_last(
    config: ExperimentConfig, documents: Documents, tmp_path: Path
) -> None:
    longer = {
        domain: [replace(one, turns=(one.turns[0], f"{one.turns[1]} So it is.")) for one in members]
        for domain, members in documents.items()
    }

    def trained(*settings: str) -> dict[str, Path]:
        return train_members(loaded(*settings), longer, store=store, is_serial=True, on_progress=recorder(shares))

    def loaded(*settings: str) -> ExperimentConfig:
        editor = "members.catalogue.editor=" + CHAINED.format(role="edit", seed=4, upstream="other")
        core = "members.catalogue.child=" + CHAINED.format(role="core", seed=5, upstream="editor")
        return load_experiment(tmp_path / "tiny.yaml", [*CHAIN, editor, core, *settings])

    store, shares = Store(tmp_path / "store"), {}
    first = trained()
    assert [name for name in shares if name != "base"] == ["other", "editor", "child"]
    again: dict[str, Path] = trained()
    assert again == first
    renamed = trained("space.roles.facts.marker='g: '")
    assert all(renamed[name] != first[name] for name in ("other", "editor", "child"))
    assert renamed["base"] == first["base"]
    reworded = trained("members.catalogue.editor.train.upstream.template='({draft}) '")
    assert [reworded[name] == first[name] for name in ("other", "editor", "child")] == [True, False, False]
    catalogue = member_catalogue(loaded(), longer, store=store, is_serial=True)
    assert dict(catalogue.markers) == {"facts": "f: ", "edit": "e: ", "core": "c: "}


def test_an_experiment_without_recipes_trains_nothing(tmp_path: Path) -> None:
    path = tmp_path / "none.yaml"
    path.write_text("name: n\ndata: {domains: {t: {corpus: chitchat}}}\nmembers: {catalogue: {g: {path: here}}}\n")
    config = load_experiment(path)
    assert train_members(config, {}, store=Store(tmp_path / "store")) == {}
    catalogue = member_catalogue(config, {}, store=Store(tmp_path / "store"))
    assert isinstance(catalogue, MemberCatalogue)
    assert str(catalogue.sources["g"]) == f"directory {str(tmp_path / 'here')!r}"
    assert not (tmp_path / "store").exists()
