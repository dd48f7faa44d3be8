"""Merged members: the model that comes of what a merge node asks for.

The arithmetic of every merge method is in genomes/methods/merging/.
"""
