import pytest
from hypothesis import given
from hypothesis import strategies as st

from megaasr_core.base.errors import ParameterError, UnknownNameError
from megaasr_core.base.severity import CURVES, Choice, Range, check_severity, severity_from

unit = st.floats(0.0, 1.0)
finite = st.floats(-1e6, 1e6)


@given(easy=finite, hard=finite)
def test_a_range_begins_easy_and_ends_hard(easy, hard):
    assert Range(easy, hard).at(0.0) == easy
    assert Range(easy, hard).at(1.0) == pytest.approx(hard, abs=1e-6)


@given(m=unit)
def test_the_snr_falls_as_the_severity_rises(m):
    assert Range(10.0, -5.0).at(m) == pytest.approx(10.0 - 15.0 * m)


@given(m=unit)
def test_integer_ends_are_no_reason_to_round(m):
    value = Range(2, 4).at(m)
    assert isinstance(value, float)
    assert value == Range(2.0, 4.0).at(m) == 2.0 + 2.0 * m


@pytest.mark.parametrize("end", [float("nan"), float("inf"), True, "3"])
def test_a_range_takes_finite_numbers_only(end):
    with pytest.raises(ParameterError, match="finite numbers"):
        Range(0.0, end)


@given(m=unit)
def test_a_choice_gives_every_value_an_equal_share(m):
    values = ("a", "b", "c")
    assert Choice(values).at(m) == values[min(2, int(m * 3))]


def test_a_choice_of_nothing_is_refused():
    with pytest.raises(ParameterError, match="at least one"):
        Choice(())


@pytest.mark.parametrize("curve", CURVES)
@given(x=unit, y=unit)
def test_every_curve_rises_within_0_and_1(curve, x, y):
    low, high = sorted((x, y))
    assert 0.0 <= severity_from(low, curve) <= severity_from(high, curve) <= 1.0


@given(x=st.floats(0.001, 0.999))
def test_the_curves_order_as_the_paper_says(x):
    assert severity_from(x, "sqrt-backward") < severity_from(x, "linear") == x < severity_from(x, "sqrt-forward")


def test_gaussian_mid_is_the_clipped_quantile_of_the_normal():
    # Quantile 0.05 + 0.9 * 0.25 = 0.275 of N(0.5, 0.2) is 0.5 - 0.2 * 0.59776.
    assert severity_from(0.25, "gaussian-mid") == pytest.approx(0.5 - 0.2 * 0.597760, abs=1e-6)
    assert severity_from(0.5, "gaussian-mid") == pytest.approx(0.5)


def test_an_unknown_curve_gets_the_nearest_name():
    with pytest.raises(UnknownNameError, match="did you mean 'sqrt-forward'"):
        severity_from(0.5, "sqrt-foward")


@pytest.mark.parametrize("severity", [-0.01, 1.01, float("nan")])
def test_a_severity_outside_its_bounds_is_refused(severity):
    with pytest.raises(ParameterError, match=r"outside 0\.\.1"):
        check_severity(severity)
