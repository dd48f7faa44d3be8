"""What lies in a run directory beside the log, by name."""

EXPERIMENT_FILE = "experiment.yaml"
"""The experiment as it runs: every default filled in, every path absolute."""

RANDOM_SEARCH_DIRECTORY = "random_search"
"""Folder that holds the run of the random search."""
