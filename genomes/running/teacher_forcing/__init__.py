"""Teacher forcing on kept outputs: every member runs once on an evaluation set, and genomes become arithmetic.

    forcing = TeacherForcing(catalogue, EvaluationSet.of(contexts, replies), store=Store())
    for likelihoods in forcing.reply_likelihoods(genomes): ...

Mixtures need a few numbers per member and token, at any member temperature; all other methods run on whole
distributions over the answers. Each method's file in genomes/methods/combiners/ says which it is. Drafts are kept per
stream: the member with the drafts that it reads. What cannot be computed from these (a combiner that reads what an
input made of the prompt from whole distributions, members of several tokenizers, whole-answer methods) is left to the
phenotype, which every result equals up to rounding.
"""

from genomes.running.teacher_forcing.computation import NotKeptError
from genomes.running.teacher_forcing.evaluation_set import EvaluationSet
from genomes.running.teacher_forcing.likelihoods import TeacherForcing

__all__ = ["EvaluationSet", "NotKeptError", "TeacherForcing"]
