"""Merged members: which members a merge node asks for, and the model that comes of them.

The arithmetic of every merge method is in genomes/methods/merging/.
"""
