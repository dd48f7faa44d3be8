"""How a genome becomes one language model that answers and gives likelihoods.

``compilation.py`` turns a genome into a ``Phenotype``; runtime and trunks are what that one computes with.
lockstep/ answers for many genomes at once, teacher_forcing/ gives likelihoods from what members said before.
"""
