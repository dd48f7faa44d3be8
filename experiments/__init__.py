"""What a user touches: the console script and its verbs, experiment files, corpora, export, the final comparison.

problems/ wires genomes and fitness into problems for the engine, and runs/ carries a run out. No algorithm of search,
scoring or composition lives here.
"""
