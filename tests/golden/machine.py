"""Where values that come from torch's floats were recorded: elsewhere last bits may differ, and more after them."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from tests.golden.values import golden

LIBRARIES = ("deap", "networkx", "numpy", "pandas", "safetensors", "scipy", "tokenizers", "torch", "transformers")


def environment() -> dict[str, str]:
    """What decides the last bits of floats here, and the bytes of files that libraries write."""
    return {
        "processor": _processor(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in LIBRARIES},
    }


def same_machine() -> bool:
    """Whether the recorded values of runs are to be found again here to the last bit."""
    recorded: dict[str, str] = golden("runs")["environment"]
    return recorded == environment()


def assert_as_recorded(told: Mapping[str, Any], recorded: Mapping[str, Any]) -> None:
    assert told["anywhere"] == recorded["anywhere"]
    if same_machine():
        assert told["exact"] == recorded["exact"]


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    wanted = ("vendor_id", "cpu family", "model", "model name", "stepping")
    told = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return ", ".join(told[name] for name in wanted if name in told)
