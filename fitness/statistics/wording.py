"""How intervals, p-values and numbers are written for people and into tables."""

from __future__ import annotations

from collections.abc import Callable

from fitness.statistics.interval import Interval

Form = str | Callable[[float], str]
"""A format as in ``format(0.5, ".3f")``, or a function that writes a number, e.g. ``number_text``."""


def interval_text(interval: Interval | None, form: Form = ".3f", *, separator: str = " ") -> str:
    """The value with its ends, e.g. ``0.412 [0.390, 0.434]``; the value alone where there is no interval.

    Args:
        interval: What to write; None is empty.
        form: How each of the three numbers is written.
        separator: Between value and ends; a line break keeps columns of a table narrow.
    """
    if interval is None:
        return ""
    value = _written(interval.value, form)
    return f"{value}{separator}{bounds_text(interval, form)}" if interval.has_width else value


def bounds_text(interval: Interval, form: Form = ".3f") -> str:
    """The ends alone, e.g. ``[0.390, 0.434]``."""
    return f"[{_written(interval.low, form)}, {_written(interval.high, form)}]"


def p_value_text(p_value: float | None) -> str:
    """A p-value in four decimals; empty for None."""
    return "" if p_value is None else f"{p_value:.4f}"


def count_text(count: int | None) -> str:
    """A whole number with thousands marked; empty for None."""
    return "" if count is None else f"{count:,}"


def number_text(value: float) -> str:
    """A number in four digits, or whole with thousands marked where it has more."""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def interval_columns(name: str, interval: Interval | None) -> dict[str, float | None]:
    """Three columns of a table of numbers: ``name``, ``name_low`` and ``name_high``."""
    if interval is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}


def _written(number: float, form: Form) -> str:
    return format(number, form) if isinstance(form, str) else form(number)
