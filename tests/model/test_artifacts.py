"""Typed inputs and outputs of tasks."""

from typing import Any

import pytest
from pydantic import ValidationError

from fasttrack_jupyter.model.artifacts import InputRef, OutputSpec, check_names, read_values, wanted


def spec(value: Any) -> OutputSpec:
    """An output as YAML would declare it."""
    return OutputSpec.model_validate(value)


def test_an_output_may_be_written_short() -> None:
    """``accuracy: float`` and ``model: Model``."""
    assert spec("float") == spec({"type": "float"})
    assert spec("float").is_value
    assert not spec("Model").is_value


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("float", ".values/x"),
        ("Model", "x"),
        ({"type": "Model", "path": "a/m.pkl"}, "a/m.pkl"),
        ({"type": "Model", "path": "./m.pkl"}, "m.pkl"),
        ({"type": "Model", "path": "/pipeline/outputs/m.pkl"}, "m.pkl"),
        ({"type": "int", "path": "n.txt"}, "n.txt"),
    ],
)
def test_an_output_has_its_place_in_the_output_folder(written: Any, path: str) -> None:
    """By default its own name, or a small file for a value."""
    assert wanted({"x": spec(written)}) == (("x", path),)


@pytest.mark.parametrize(
    "path", ["../m", "/tmp/m", "a/../../m", "/pipeline/outputs/../m", "", ".", "/pipeline/outputs", "a\0"]
)
def test_a_path_that_leaves_the_output_folder_is_refused(path: str) -> None:
    """With the folder's name in the message."""
    with pytest.raises(ValidationError, match="leaves /pipeline/outputs"):
        spec({"type": "Model", "path": path})


@pytest.mark.parametrize(
    ("written", "meant"), [("string", "str"), ("Float", "float"), ("boolean", "bool"), ("dict", "struct")]
)
def test_a_type_that_is_called_otherwise_gets_a_suggestion(written: str, meant: str) -> None:
    """Rather than to become an artifact that nobody meant."""
    with pytest.raises(ValidationError, match=f"did you mean '{meant}'"):
        spec(written)


def test_a_type_must_be_a_name() -> None:
    """Any name, but a name."""
    assert spec("system.Model").type == "system.Model"
    with pytest.raises(ValidationError, match="is not a type"):
        spec("my model")


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("prep.clean", InputRef("prep", "clean")),
        ("prep", InputRef("prep")),
        ("my task.clean data", InputRef("my task", "clean data")),
        ("준비.결과", InputRef("준비", "결과")),
    ],
)
def test_an_input_names_a_task_and_its_output(text: str, ref: InputRef) -> None:
    """Or a task alone, which means its whole output folder."""
    assert InputRef.parse(text) == ref
    assert str(ref) == text


@pytest.mark.parametrize("text", ["", ".", "a.", ".b", "a.b.c", "${{ tasks.a.outputs.b }}", "a/b", "../a"])
def test_what_names_no_output_is_refused(text: str) -> None:
    """With an example."""
    with pytest.raises(ValueError, match=r"prep\.clean"):
        InputRef.parse(text)


def test_names_that_cannot_be_file_names_are_found() -> None:
    """An input's or output's name is a file's name too."""
    problems = check_names({"good name": 1, "../up": 1, "a.b": 1, "": 1}, "output")
    assert [(problem.code, problem.path) for problem in problems] == [
        ("bad-output-name", ("../up",)),
        ("bad-output-name", ("a.b",)),
        ("bad-output-name", ("",)),
    ]


VALUES = [
    ("int", "3\n", 3),
    ("float", "0.93\r\n", 0.93),
    ("float", "1", 1.0),
    ("bool", "True\n", True),
    ("bool", "FALSE", False),
    ("str", "two\nlines\n", "two\nlines"),
    ("str", "", ""),
    ("str", "as is ", "as is "),
    ("list", '[1, "a"]\n', [1, "a"]),
    ("struct", '{"a": 1}', {"a": 1}),
]


@pytest.mark.parametrize(("kind", "text", "value"), VALUES)
def test_a_value_is_read_from_its_file_as_its_type(kind: str, text: str, value: object) -> None:
    """A text as it is, less one line end; all others as JSON is."""
    values, problems = read_values({"x": spec(kind)}, {"x": text}, None)
    assert (values, problems) == ({"x": value}, [])
    assert type(values["x"]) is type(value)


@pytest.mark.parametrize(("kind", "text"), [("str", "\ud800"), ("struct", '{"a": "\\ud800"}'), ("list", '["\\udc80"]')])
def test_half_a_character_is_no_value(kind: str, text: str) -> None:
    """Nobody could hand it on: no file and no answer can hold it."""
    values, problems = read_values({"x": spec(kind)}, {"x": text}, None)
    assert values == {}
    assert "lone surrogate" in problems[0]


def test_the_one_file_of_all_values_wins() -> None:
    """As in Kubeflow; what it does not name comes from its own file."""
    specs = {"a": spec("int"), "b": spec("float"), "c": spec("bool")}
    values, problems = read_values(specs, {"a": "1", "b": "2"}, '{"a": 5, "c": "true", "more": 1}')
    assert (values, problems) == ({"a": 5, "b": 2.0, "c": True}, [])


def test_everything_that_is_wrong_with_the_values_is_said_in_words() -> None:
    """Each output by its name; artifacts are no values."""
    specs = {"accuracy": spec("float"), "n": spec("int"), "gone": spec("str"), "model": spec("Model")}
    values, problems = read_values(specs, {"accuracy": "abc", "n": "1.5"}, None)
    assert values == {}
    assert problems == [
        "output accuracy: 'abc' is not a float: write a finite number such as 0.1 or 1e-3",
        "output n: '1.5' is not an int: write a whole number such as 3",
        "output gone: not written: the task must write /pipeline/outputs/.values/gone, or 'gone' in outputs.json",
    ]


@pytest.mark.parametrize("text", ["{", "[1]", "nonsense", "[" * 100_000])
def test_a_bad_file_of_all_values_is_told_and_does_not_hide_the_others(text: str) -> None:
    """The single files still count."""
    values, problems = read_values({"a": spec("int")}, {"a": "1"}, text)
    assert values == {"a": 1}
    assert "outputs.json is not" in problems[0]
