"""What a user touches: the console script and its verbs, experiment files, corpora, export, the final comparison.

`compositions.py` wires genomes and fitness into a problem for the engine; `preparation.py` makes one from an
experiment; `execution.py` carries a run out. No algorithm of search, scoring or composition lives here.
"""
