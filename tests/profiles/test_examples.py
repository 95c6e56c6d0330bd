"""Example values of variables: each fits the definition of its variable."""

from __future__ import annotations

import pytest

from edgewright.core.profiles.model import Option, Variable
from edgewright.core.profiles.variables import problem_with
from edgewright.profiles.catalogue import profiles
from edgewright.profiles.examples import BY_FORMAT, example_of, example_values


@pytest.mark.parametrize("shape", ["string", *BY_FORMAT])
def test_every_format_has_an_example(shape: str) -> None:
    variable = Variable("v", format=shape, required=True)
    assert problem_with(variable, example_of(variable)) == ""
    assert example_of(variable)


def test_the_examples_of_shipped_profiles_fit_and_complete_them() -> None:
    for profile in profiles():
        values = example_values(profile.variables)
        by_name = {variable.name: variable for variable in profile.variables}
        assert [name for name, value in values.items() if problem_with(by_name[name], value)] == []
        assert {name for name, variable in by_name.items() if variable.required and not variable.default} == set(values)


def test_an_option_of_a_dropdown_is_its_example_and_a_pattern_may_have_none() -> None:
    dropdown = Variable("v", input="dropdown", options=(Option("large"), Option("small")))
    assert example_of(dropdown) == "large"
    assert example_of(Variable("v", regex="^shop-[0-9]{4}$")) == ""
    assert example_values([Variable("v", default="set"), Variable("h", hidden=True)]) == {}
