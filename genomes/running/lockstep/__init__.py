"""Lockstep: many genomes answer together, every member once per step on the rows of all genomes that need it.

    answers = answer_together([Question(phenotype, contexts, seeds), ...])

The answers are those of ``Phenotype.answer_tokens``, which is the slow twin that tests compare with. Sums of floats
depend on what stands in one batch, in their last bits, so whoever needs to repeat a history fixes the batches.

    plan (genomes/running/plan.py)     equal streams of all genomes are one, drafts before their readers
    strands.py                 a stream on its prompts, read once, and on the rows that go on from there
    drafts.py                  the strands of a plan, with the drafts that they read
    distributions.py           what a genome makes of its members' logits
    genome_rows.py             a genome's open rows
    decoding.py                the loop
    language_models.py         the same behind the methods of a phenotype
"""

from genomes.running.lockstep.decoding import Question, answer_together
from genomes.running.lockstep.language_models import LockstepModel, lockstep_models

__all__ = ["LockstepModel", "Question", "answer_together", "lockstep_models"]
