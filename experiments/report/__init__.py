"""What a run looks like: a fold of its log for people (story.py), figures over it, and one self-contained HTML page.

Everything is read from the run directory, also while a driver writes it. The live page in experiments/dashboard/ shows
the same figures.
"""
