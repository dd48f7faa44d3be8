"""Experiment files: their types, one file per section, and how they are read.

    load_experiment(path, overrides)     -> ExperimentConfig, or a ConfigError that lists every problem
    experiment_from_document(document)   -> the same from the plain data that a run keeps
    config.to_document()                 -> that plain data
    init_template(name)                  -> the text of a commented experiment file

Sections: ``data``, ``members``, ``space``, ``fitness``, ``search``, ``budget``, ``workers``, ``report``. What they
mean for a run is decided by who reads them; nothing here loads a model, a corpus or Ray.
"""

from experiments.config.bundled import (
    BUNDLED_DIRECTORY,
    BUNDLED_RECIPES,
    BUNDLED_SCORER,
    bundled_member_directory,
    bundled_member_names,
)
from experiments.config.compositions import ExperimentConfig
from experiments.config.errors import ConfigError
from experiments.config.loading import experiment_from_document, load_experiment
from experiments.config.template import QUICKSTART, init_template

__all__ = [
    "BUNDLED_DIRECTORY",
    "BUNDLED_RECIPES",
    "BUNDLED_SCORER",
    "QUICKSTART",
    "ConfigError",
    "ExperimentConfig",
    "bundled_member_directory",
    "bundled_member_names",
    "experiment_from_document",
    "init_template",
    "load_experiment",
]
