"""The methods by which models are joined: combiners/ join what models say, merging/ joins their parameters.

One file is one method. ``parameters.py`` has the types of ranges that methods describe their genes with, and
``plugins.py`` finds methods of other packages.
"""
