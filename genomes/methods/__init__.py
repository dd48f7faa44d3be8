"""The methods by which models are joined: combiners/ join what models say, merging/ joins their parameters.

One file is one method, with all of its arithmetic. ``ranges.py`` has the types of ranges that methods describe
their genes with, ``optimisers.py`` what their fits share, and ``plugins.py`` finds methods of other packages. The
contracts that every method is held to are in genomes/testing/.
"""
