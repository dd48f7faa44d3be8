"""The corpora that ship: what they hold here, and that no split leaks into another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from experiments.config import QUICKSTART, load_experiment
from experiments.config.data import DataConfig, DocstringsSource, PromptCounts
from experiments.corpora import docstrings
from experiments.corpora.chitchat import load_chitchat
from experiments.corpora.docstrings import load_docstrings
from experiments.corpora.documents import Document
from experiments.corpora.errors import CorpusError
from experiments.corpora.panels import load_documents, panels_of
from experiments.corpora.splits import SPLITS, documents_in, split_of
from experiments.corpora.streams import token_streams, tokenizer_texts
from genomes.members.store import Store
from genomes.members.tokenizers import train_tokenizer


@pytest.fixture(scope="module")
def graphs() -> list[Document]:
    return load_docstrings(["networkx"], domain="graphs")


@pytest.fixture(scope="module")
def documents(graphs: list[Document]) -> dict[str, list[Document]]:
    arrays = load_docstrings(["numpy", "pandas"], domain="arrays")
    return {"conversation": load_chitchat(domain="conversation"), "graphs": graphs, "arrays": arrays}


def test_documents_are_clean_and_distinct(documents: Mapping[str, list[Document]]) -> None:
    for domain, members in documents.items():
        assert len({document.id for document in members}) == len(members) > 1000
        for document in members:
            assert document.domain == domain
            assert len(document.turns) >= 2
            assert all(turn == " ".join(turn.split()) and turn for turn in document.turns)


def test_the_splits_of_conversations_never_move(documents: Mapping[str, list[Document]]) -> None:
    parts = [len(documents_in(documents["conversation"], split)) for split in ("train", "search", "validation", "test")]
    assert parts == [3173, 321, 229, 294]


def test_no_docstring_sentence_stands_in_two_documents(graphs: list[Document]) -> None:
    turns = [turn for document in graphs for turn in set(document.turns)]
    assert len(turns) == len(set(turns))


def test_panels_share_no_document_with_training(documents: Mapping[str, list[Document]]) -> None:
    data = load_experiment(QUICKSTART).data
    panels = panels_of(data, documents)
    trained = {(d.domain, d.id) for members in documents.values() for d in documents_in(members, "train")}
    used: dict[str, set[tuple[str, str]]] = {}
    for panel, examples in panels.items():
        assert len(examples) == getattr(data.prompts, panel)
        assert len({example.id for example in examples}) == len(examples)
        sources = {(example.domain, example.id.split("/", 1)[1].rpartition("/")[0]) for example in examples}
        assert not sources & trained
        assert all(not sources & others for others in used.values())
        used[panel] = sources


def test_a_group_gives_a_second_example_only_where_there_are_too_few(graphs: list[Document]) -> None:
    num_groups = len({document.group for document in documents_in(graphs, "search")})
    for count in (num_groups // 2, num_groups * 2):
        data = DataConfig(domains={"graphs": _source()}, prompts=PromptCounts(search=count, validation=1, test=1))
        examples = panels_of(data, {"graphs": graphs})["search"]
        assert len(examples) == count
        taken = Counter(example.group for example in examples)
        assert len(taken) == min(count, num_groups)
        assert (max(taken.values()) == 1) == (count < num_groups)


def test_module_docstrings_are_in_every_split(documents: Mapping[str, list[Document]]) -> None:
    for domain in ("graphs", "arrays"):
        of_modules = [document for document in documents[domain] if document.id.endswith(":__module__")]
        assert len({document.group for document in of_modules}) > 50
        assert {split_of(document) for document in of_modules} == set(SPLITS)


def test_too_few_examples_say_how_many_there_are(graphs: list[Document]) -> None:
    data = DataConfig(domains={"graphs": _source()}, prompts=PromptCounts(validation=100_000))
    with pytest.raises(CorpusError, match=r"data.prompts.validation is 100000, .*'graphs' has (\d+) .*to \1 or less"):
        panels_of(data, {"graphs": graphs})


def test_a_package_that_is_not_installed() -> None:
    data = DataConfig(domains={"x": DocstringsSource(corpus="docstrings", packages=("no_such_package",))})
    with pytest.raises(CorpusError, match=r"data.domains.x: Package 'no_such_package' .* is not installed"):
        load_documents(data)


def test_docstrings_are_parsed_and_never_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "documented"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "module.py").write_text(
        '"""Opens the module with a sentence. Closes it with another one."""\nraise SystemExit\n'
        "def f():\n"
        '    """Returns the :func:`~documented.g` of a thing. It is never negative [1]_ here.\n\n'
        "    Examples\n    --------\n    >>> f()\n    This is left out of it.\n"
        '    """\n'
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    documents = load_docstrings(["documented"], domain="d", store=Store(tmp_path / "store"))
    assert [(document.id, document.group, document.turns) for document in documents] == [
        (
            "documented/module.py:__module__",
            "d:documented/module.py",
            ("Opens the module with a sentence.", "Closes it with another one."),
        ),
        (
            "documented/module.py:f",
            "d:documented/module.py",
            ("Returns the documented.g of a thing.", "It is never negative here."),
        ),
    ]


def test_streams_hold_the_training_split_in_order(documents: Mapping[str, list[Document]]) -> None:
    some = {"graphs": documents["graphs"][:60]}
    texts = tokenizer_texts(some)
    train = documents_in(some["graphs"], "train")
    assert sorted(texts) == sorted("\n".join(document.turns) + "\n" for document in train)
    tokenizer = train_tokenizer(texts, vocabulary_size=300, max_length=64)
    stream = token_streams(some, tokenizer, domains=["graphs"])["graphs"]
    assert stream.dtype == np.int32
    assert tokenizer.decode(stream) == "".join("<|endoftext|>" + "\n".join(d.turns) + "\n" for d in train)
    assert token_streams({"graphs": []}, tokenizer, domains=["graphs"])["graphs"].size == 0


def test_tokenizer_texts_take_about_equally_much_of_each_domain(documents: Mapping[str, list[Document]]) -> None:
    conversation = sum(map(len, tokenizer_texts({"conversation": documents["conversation"]})))
    assert 1_500_000 < conversation < 1_520_000


def _source() -> DocstringsSource:
    return DocstringsSource(corpus="docstrings", packages=("networkx",))


def test_what_was_parsed_is_kept_until_a_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = tmp_path / "kept_package" / "__init__.py"
    module.parent.mkdir()
    module.write_text('"""The first sentence stands here. The second one stands there."""\n')
    monkeypatch.syspath_prepend(tmp_path)
    store = Store(tmp_path / "store")
    first = load_docstrings(["kept_package"], domain="d", store=store)
    with monkeypatch.context() as patched:
        patched.setattr(docstrings, "_parsed", None)  # not to be called
        assert load_docstrings(["kept_package"], domain="d", store=store) == first
        (other,) = load_docstrings(["kept_package"], domain="another", store=store)
    assert (other.domain, other.group, other.turns) == ("another", "another:kept_package/__init__.py", first[0].turns)
    module.write_text('"""Something else stands here now. It has two sentences as well."""\n')
    assert load_docstrings(["kept_package"], domain="d", store=store) != first
