"""Texts of the log: what was written is what is read."""

from __future__ import annotations

import pytest

from evolve.log_reading import as_json, decoded


@pytest.mark.parametrize(
    "value",
    [0.1 + 0.2, 5e-324, 1.7976931348623157e308, -0.0, 2**63, "half \ud83d of a face", "\u2028 \x00", [], {"é": None}],
)
def test_values_come_back_as_they_were(value: object) -> None:
    found = decoded(as_json({"value": value}))["value"]
    assert (found, repr(found)) == (value, repr(value))
