"""Experiments of ``kind: agent``: perception-conception-action agents in the EnergyFlow world."""
