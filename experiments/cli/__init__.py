"""The console script ``evolve``: a thin layer over experiments/commands/, which holds the verbs as functions.

Each file here declares the commands of one group: their names, arguments, options and help. ``app.py`` puts the groups
together and answers mistakes. Commands import what they need when they run, so that ``evolve --help`` answers at once.
"""

from experiments.cli.app import app, main

__all__ = ["app", "main"]
