"""What a run looks like: figures over its story (experiments/runs/story.py), and one HTML page that needs nothing else.

Everything is read from the run directory, also while a driver writes it. The live page in experiments/dashboard/ shows
the same figures.
"""
