"""Genomes that answer together against each of them alone, and against the plain reference."""

from __future__ import annotations

import pytest

from genomes.lockstep import Question, answer_together
from genomes.phenotype import PrefillCache, compile_genome
from tests.genomes.test_phenotype import SEEDS, SHAPES, prompts, reference
from tests.genomes.tiny_members import CONTEXTS, TinyCatalogue


def compiled(names=None, **kw):
    return {n: compile_genome(SHAPES[n], TinyCatalogue(), **kw) for n in (names or SHAPES)}


def test_all_shapes_together() -> None:
    phenotypes = compiled()
    found = answer_together([Question(one, CONTEXTS, SEEDS) for one in phenotypes.values()])
    for (name, one), answers in zip(phenotypes.items(), found, strict=True):
        assert answers == one.answer_tokens(CONTEXTS, seeds=SEEDS), name
