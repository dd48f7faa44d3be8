"""Genomes that answer together against each of them alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch

from genomes.graph.genome import Genome
from genomes.running.compilation import compile_genome
from genomes.running.fast_trunk import FastTrunk, PrefillCache
from genomes.running.lockstep import Question, answer_together
from genomes.running.lockstep.strands import Rows, Strand
from genomes.running.phenotype import Phenotype
from genomes.running.trunk import ModelTrunk
from tests.genomes.genomes_with_merges import shapes_with_merges
from tests.genomes.running.test_phenotype import SEEDS, SHAPES
from tests.genomes.tiny_members import CONTEXTS, TinyCatalogue, genome_of, member, tiny_member, with_drafts

ALL = {**SHAPES, **shapes_with_merges()}


def compiled(genome: Genome, **options: object) -> Phenotype:
    return compile_genome(genome, TinyCatalogue(), **options)  # type: ignore[arg-type]


def alone(questions: Sequence[Question]) -> list[list[list[int]]]:
    return [one.phenotype.answer_tokens(one.contexts, seeds=one.seeds) for one in questions]


def test_every_shape_answers_with_its_own_tokens_among_all_others() -> None:
    questions = [Question(compiled(genome), CONTEXTS, SEEDS) for genome in ALL.values()]
    for name, together, own in zip(ALL, answer_together(questions), alone(questions), strict=True):
        assert together == own, name


@pytest.mark.parametrize("name", ["mean", "bayesian", "prompt gates in others", "drafts of drafts", "best of by pmi"])
def test_one_genome_alone_is_a_batch_too(name: str) -> None:
    questions = [Question(compiled(SHAPES[name]), CONTEXTS, SEEDS)]
    assert answer_together(questions) == alone(questions)


def test_genomes_may_be_asked_different_things() -> None:
    names = ["mean", "bayesian", "draft", "answer vote"]
    questions = [
        Question(compiled(SHAPES[name]), CONTEXTS[place:] * 2, list(range(place, place + 2 * len(CONTEXTS[place:]))))
        for place, name in enumerate(names)
    ]
    assert answer_together(questions) == alone(questions)


def test_answers_of_different_lengths_and_drafts_of_one_writer() -> None:
    def drafted(num_tokens: int, length: int) -> Genome:
        nodes = {"m2": member("bob", template="{draft} "), "m1": member("ada", draft_tokens=num_tokens)}
        return with_drafts(genome_of(nodes, {}, max_new_tokens=length), {"m2": ("m1",)})

    genomes = [drafted(3, 1), drafted(7, 20), drafted(5, 9), genome_of({"m1": member("ada")}, {}, max_new_tokens=40)]
    long = ("thank you very much " * 60, "hello there")  # Each genome has room for another part of it.
    questions = [Question(compiled(genome), (*CONTEXTS, long), [*SEEDS, 5]) for genome in genomes]
    assert answer_together(questions) == alone(questions)


def test_a_shared_prefill_changes_nothing() -> None:
    cache = PrefillCache()
    plain = [Question(compiled(SHAPES[name]), CONTEXTS, SEEDS) for name in ("nested", "stack", "draft")]
    expected = answer_together(plain)
    for _ in range(2):  # The second time everything is there.
        shared = [compiled(SHAPES[name], prefill_cache=cache) for name in ("nested", "stack", "draft")]
        assert answer_together([Question(one, CONTEXTS, SEEDS) for one in shared]) == expected


def test_a_member_runs_once_per_step_for_all_genomes(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[tuple[str, int]] = []
    run = FastTrunk.run

    def counted(self: FastTrunk, tokens: torch.Tensor, *rest: object) -> torch.Tensor:
        runs.append((self.key.split()[0], len(tokens)))
        return run(self, tokens, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(FastTrunk, "run", counted)
    questions = [Question(compiled(SHAPES[name]), CONTEXTS, SEEDS) for name in ("mean", "weighted", "product")]
    answers = answer_together(questions)
    steps = max(len(answer) for one in answers for answer in one)
    assert len(runs) == 3 * steps  # The prompts, and every token but the last.
    for place in range(1, steps):
        still_open = sum(len(answer) > place for one in answers for answer in one)
        assert runs[3 * place : 3 * place + 3] == [(f"tiny-{name}-96", still_open) for name in ("ada", "bob", "cleo")]


def test_members_that_are_gated_off_are_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[int] = []
    step = Rows.step

    def counted(self: Rows, tokens: torch.Tensor) -> torch.Tensor:
        rows.append(len(tokens))
        return step(self, tokens)

    monkeypatch.setattr(Rows, "step", counted)
    (answers,) = answer_together([Question(compiled(SHAPES["prompt gate"]), CONTEXTS, SEEDS)])
    # One of three members is active: every token after the first is one row of one member.
    assert sum(rows) == sum(len(answer) - 1 for answer in answers)


def test_members_that_only_transformers_runs_answer_by_themselves() -> None:
    one = compiled(SHAPES["mean"])
    models = {name: tiny_member(name).model for name in one.program.members}
    trunks = {name: ModelTrunk(model) for name, model in models.items()}
    odd = Phenotype(one.program, models, one.tokenizer, trunks=trunks)
    questions = [Question(odd, CONTEXTS, SEEDS), Question(one, CONTEXTS, SEEDS)]
    assert answer_together(questions) == alone(questions)


def test_tolerant_phenotypes_answer_by_themselves() -> None:
    questions = [Question(compiled(SHAPES[name], is_tolerant=True), CONTEXTS, SEEDS) for name in ("mean", "best of")]
    assert answer_together(questions) == alone(questions)


def test_nothing_asked_is_nothing_answered() -> None:
    assert answer_together([]) == []
    assert answer_together([Question(compiled(SHAPES["mean"]), [], [])]) == [[]]


def test_counts_have_to_agree() -> None:
    with pytest.raises(ValueError, match="1 contexts and 2 seeds"):
        answer_together([Question(compiled(SHAPES["mean"]), [("hello",)], [1, 2])])


class TestStrand:
    def strand(self, *texts: Sequence[int]) -> Strand:
        trunk = FastTrunk(tiny_member("ada").model, key="ada")
        return Strand(trunk, texts, device=torch.device("cpu"))

    def logits(self, *tokens: int) -> torch.Tensor:
        return tiny_member("ada").model(torch.tensor([tokens])).logits[0, -1]

    def test_logits_are_those_of_transformers_whoever_leaves(self) -> None:
        with torch.inference_mode():
            strand = self.strand([5, 6, 7], [8], [9, 10])
            torch.testing.assert_close(strand.first_logits[2], self.logits(9, 10), atol=1e-4, rtol=0)
            texts = torch.tensor([0, 1, 0, 2, 0])
            rows = Rows(strand, texts, torch.arange(5))
            said: list[list[int]] = [[] for _ in range(5)]
            begins = [[5, 6, 7], [8], [5, 6, 7], [9, 10], [5, 6, 7]]
            for step in range(20):  # Beyond the room that there is at first.
                numbers = rows.numbers.tolist()
                tokens = [(7 * number + 3 * step) % 50 for number in numbers]
                for number, token in zip(numbers, tokens, strict=True):
                    said[number].append(token)
                found = strand.trunk.logits(rows.step(torch.tensor(tokens)))
                for place, number in enumerate(numbers):
                    expected = self.logits(*begins[number], *said[number])
                    torch.testing.assert_close(found[place], expected, atol=1e-4, rtol=0)
                if step in (2, 5):
                    leaving = {2: (0, 3), 5: (4,)}[step]
                    rows.keep(torch.tensor([number not in leaving for number in numbers]))
            assert sorted(rows.numbers.tolist()) == [1, 2]

    def test_texts_that_do_not_fit_are_refused(self) -> None:
        with pytest.raises(ValueError, match="97 tokens, drafts included; the member has 96 positions"):
            self.strand([1] * 97)

    def test_rows_that_do_not_fit_are_refused(self) -> None:
        with torch.inference_mode():
            rows = Rows(self.strand([1] * 96), torch.tensor([0]), torch.tensor([0]))
            with pytest.raises(ValueError, match=r"would read 97 tokens.*has 96 positions"):
                rows.step(torch.tensor([3]))


def test_a_broken_member_is_told() -> None:
    model = type(tiny_member("ada").model)(tiny_member("ada").model.config).eval()
    model.transformer.ln_f.weight.data.fill_(float("nan"))

    class Broken(TinyCatalogue):
        def load(self, name: str) -> object:  # type: ignore[override]
            return replace(tiny_member(name), model=model, key="broken") if name == "ada" else tiny_member(name)

    broken = compile_genome(SHAPES["mean"], Broken())
    with pytest.raises(FloatingPointError, match="not finite"):
        answer_together([Question(broken, CONTEXTS, SEEDS)])
