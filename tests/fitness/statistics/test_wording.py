"""How intervals and p-values are written: in one way by every command."""

from fitness.statistics import Interval, bounds_text, interval_columns, interval_text, number_text, p_value_text

ONE = Interval(0.5, -0.4, 0.625)


def test_an_interval_is_its_value_and_its_ends():
    assert interval_text(ONE) == "0.500 [-0.400, 0.625]"
    assert interval_text(ONE, "+.1f") == "+0.5 [-0.4, +0.6]"
    assert interval_text(ONE, separator="\n") == "0.500\n[-0.400, 0.625]"
    assert interval_text(Interval(1234.5, 999.5, 2e6), number_text) == "1,234 [999.5, 2,000,000]"
    assert interval_text(None) == ""
    assert bounds_text(ONE) == "[-0.400, 0.625]"


def test_a_p_value_has_four_decimals():
    assert p_value_text(0.04567) == "0.0457"
    assert p_value_text(None) == ""


def test_a_table_of_numbers_has_three_columns():
    assert interval_columns("nll", ONE) == {"nll": 0.5, "nll_low": -0.4, "nll_high": 0.625}
    assert interval_columns("nll", None) == {"nll": None, "nll_low": None, "nll_high": None}
