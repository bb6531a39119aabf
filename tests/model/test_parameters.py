"""Parameters: declared, given, bound."""

from typing import Any

import pytest
from pydantic import ValidationError

from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.model.parameters import Parameter, ValueType, bind_parameters, check_parameters
from fasttrack_jupyter.model.problems import Severity


def param(name: str, kind: str = "str", **more: Any) -> Parameter:
    """A declaration as YAML would give it."""
    return Parameter.model_validate({"name": name, "type": kind, **more})


READ = [
    ("int", "3", 3),
    ("int", " -7\n", -7),
    ("int", 3.0, 3),
    ("float", "0.1", 0.1),
    ("float", "1e-3", 0.001),
    ("float", 2, 2.0),
    ("str", " as it is ", " as it is "),
    ("str", "3", "3"),
    ("bool", "Yes", True),
    ("bool", "0", False),
    ("bool", False, False),
    ("list", "[1, 2]", [1, 2]),
    ("list", (1, 2), [1, 2]),
    ("struct", '{"a": [true]}', {"a": [True]}),
]


@pytest.mark.parametrize(("kind", "given", "value"), READ)
def test_a_given_value_is_read_as_the_type(kind: str, given: object, value: object) -> None:
    """A string as from the command line, anything else as from YAML or JSON."""
    bound = bind_parameters([param("x", kind)], {"x": given})["x"]
    assert bound == value
    assert type(bound) is type(value)


WRONG = [
    ("int", "3.5", "'3.5' is not an int: write a whole number"),
    ("int", 3.5, "3.5 is not an int"),
    ("int", True, "True is not an int"),
    ("int", "9" * 5000, "is not an int"),
    ("float", "fast", "'fast' is not a float"),
    ("float", 10**400, "is not a float"),
    ("int", float("inf"), "inf is not an int"),
    ("float", "nan", "'nan' is not a float: write a finite number"),
    ("bool", "maybe", "write true or false"),
    ("bool", 1, "1 is not a bool"),
    ("str", 3, "3 is not a str"),
    ("list", "a,b", "write JSON such as [1, 2]"),
    ("list", "{}", "is not a list"),
    ("struct", "[" * 100_000, "is not a struct"),
    ("struct", {"a": {1, 2}}, "JSON cannot carry"),
    ("int", None, "None is not an int"),
]


@pytest.mark.parametrize(("kind", "given", "message"), WRONG)
def test_a_value_of_the_wrong_type_is_refused(kind: str, given: object, message: str) -> None:
    """The message names the parameter, the value, and what to write."""
    with pytest.raises(BadRequest) as caught:
        bind_parameters([param("x", kind)], {"x": given})
    assert "parameter x: " in caught.value.message
    assert message in caught.value.message


def test_all_that_is_wrong_with_the_given_values_is_said_at_once() -> None:
    """Unknown, missing and ill-typed, each with its remedy."""
    params = [param("learning_rate", "float"), param("epochs", "int", default=3), param("data")]
    with pytest.raises(BadRequest) as caught:
        bind_parameters(params, {"learning_rat": "0.1", "epochs": "many"})
    wrong = caught.value.details["parameters"]
    assert wrong.keys() == {"learning_rat", "learning_rate", "epochs", "data"}
    assert "did you mean 'learning_rate'?" in wrong["learning_rat"]
    assert "--param data=…" in wrong["data"]
    assert "write a whole number" in wrong["epochs"]


def test_defaults_are_filled_in_in_order_of_declaration() -> None:
    """What is given wins; a parameter that is not required and has no default is null."""
    params = [param("b", "int", default=1), param("a", "float", default=2), param("c", "list", required=False)]
    assert list(bind_parameters(params, {"a": "0.5"}).items()) == [("b", 1), ("a", 0.5), ("c", None)]


def test_a_null_default_makes_a_parameter_optional() -> None:
    """``default: null`` is a default, and null may be given."""
    assert not param("x", "int", default=None).is_required
    assert bind_parameters([param("x", "int", default=None)], {}) == {"x": None}
    assert bind_parameters([param("x", "int", default=None)], {"x": None}) == {"x": None}


def test_a_value_that_is_none_of_the_choices_is_refused() -> None:
    """The choices are named; a number is the same however it is written."""
    choice = param("x", "float", choices=[1, 0.5])
    assert bind_parameters([choice], {"x": "1.0"}) == {"x": 1.0}
    with pytest.raises(BadRequest, match=r"0\.7 is not one of 1, 0\.5"):
        bind_parameters([choice], {"x": "0.7"})


DECLARATIONS = [
    ([param("a"), param("b"), param("a")], "duplicate-parameter", (2, "name")),
    ([param("a-b")], "bad-parameter-name", (0, "name")),
    ([param("a", "int", default="three")], "bad-default", (0, "default")),
    ([param("a", "int", default="3")], "bad-default", (0, "default")),
    ([param("a", "bool", default=1)], "bad-default", (0, "default")),
    ([param("a", "str", default="x", choices=["y"])], "bad-default", (0, "default")),
    ([param("a", "int", choices=[1, "two"])], "bad-choice", (0, "choices", 1)),
    ([param("a", default="b", required=True)], "required-with-default", (0, "required")),
    ([param("a", default="${{ secrets.X }}")], "expression-in-default", (0, "default")),
]


@pytest.mark.parametrize(("params", "code", "path"), DECLARATIONS)
def test_a_wrong_declaration_is_found_at_its_place(params: list[Parameter], code: str, path: tuple[Any, ...]) -> None:
    """With a path into the list and a remedy."""
    (problem,) = check_parameters(params)
    assert (problem.code, problem.path) == (code, path)
    assert problem.hint


def test_a_bad_name_gets_a_suggestion() -> None:
    """One that would do."""
    assert "'p_1_learning_rate'" in check_parameters([param("1 learning-rate")])[0].hint


def test_good_declarations_have_no_problems() -> None:
    """Of every type, with names in any script."""
    defaults = {"int": 3, "float": 1, "str": "", "bool": True, "list": [], "struct": {}}
    assert check_parameters([param(f"이름_{kind}", kind, default=value) for kind, value in defaults.items()]) == []


def test_what_is_only_odd_is_a_warning() -> None:
    """It does not stop a job."""
    (problem,) = check_parameters([param("a", default="b", required=True)])
    assert problem.severity is Severity.WARNING


def test_an_unknown_type_gets_a_suggestion() -> None:
    """Names that other languages use are known."""
    with pytest.raises(ValidationError, match="did you mean 'str'"):
        param("x", "string")
    with pytest.raises(ValidationError, match="write one of int, float"):
        param("x", "tensor")
    assert Parameter(name="x").type is ValueType.STR


def test_a_parameter_keeps_the_keys_that_nobody_knows() -> None:
    """They survive a round trip through the model."""
    assert param("x", label="X").model_dump(exclude_unset=True) == {"name": "x", "type": "str", "label": "X"}


def test_a_wrong_parameter_is_told_which_there_are() -> None:
    """The hint lists names and types, or where to declare one."""
    with pytest.raises(BadRequest) as caught:
        bind_parameters([param("lr", "float", default=0.1), param("seed", "int", default=7)], {"x": "1"})
    assert caught.value.hint.endswith("there are lr (float), seed (int)")
    with pytest.raises(BadRequest) as caught:
        bind_parameters([], {"x": "1"})
    assert "under params" in caught.value.hint
