"""Tables as a page shows them: columns, and cells that know whether they are numbers or name an individual."""

from __future__ import annotations

from typing import Any

import pandas as pd


def table_cells(table: pd.DataFrame) -> dict[str, Any]:
    """Columns with their kinds, and rows of cells: ``text``, ``kind`` (number, text), ``individual`` (is it an id?)."""
    rows = [[_cell(str(name), value) for name, value in row.items()] for row in table.to_dict(orient="records")]
    kinds = [cell["kind"] for cell in rows[0]] if rows else ["text"] * len(table.columns)
    return {"columns": [str(name) for name in table.columns], "kinds": kinds, "rows": rows}


def _cell(column: str, value: object) -> dict[str, Any]:
    if value is None or value != value:  # NaN alone differs from itself.
        return {"text": "", "kind": "number", "individual": False}
    if isinstance(value, bool | str):
        return {"text": str(value), "kind": "text", "individual": column == "id"}
    return {"text": f"{value:.4g}" if isinstance(value, float) else str(value), "kind": "number", "individual": False}
