"""Expressions: what they come to, and what is said where they are wrong."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fasttrack_jupyter.errors import BadRequest
from fasttrack_jupyter.model.expressions import ExpressionError, Reference, parse_template

SCOPE = {
    "params": {"rate": 0.5, "n": 3, "name": "a b", "on": True, "many": [1, "two", [3]], "my key": "k", "none": None},
    "inputs": {"clean": "/pipeline/inputs/clean"},
    "tasks": {"train-a": {"outputs": {"acc": 0.9}}, "big task": {"outputs": {"stats": {"mean": 2}}}},
    "item": "x",
    "job": {"id": "j1"},
}

VALUES = [
    ("params.rate", 0.5),
    ("params['my key']", "k"),
    ("params.many[2][0]", 3),
    ("params.many[-1]", [3]),
    ("params.many[params.n - 2]", "two"),
    ("tasks.train-a.outputs.acc", 0.9),
    ("tasks.train-a.outputs.acc-1 < 0", True),
    ("tasks['big task'].outputs.stats.mean", 2),
    ("item", "x"),
    ("1 + 2 * 3", 7),
    ("(1 + 2) * 3", 9),
    ("10 - 2 - 3", 5),
    ("7 / 2", 3.5),
    ("7 % 4", 3),
    ("-params.n", -3),
    ("- -1", 1),
    ("1e-3", 0.001),
    ("'it''s'", "it's"),
    (r'"tab\t\"q\" é"', 'tab\t"q" é'),
    (r"'C:\dir'", "C:\\dir"),
    ("'}}'", "}}"),
    ("true", True),
    ("null", None),
    ("[1, 'a', [true]]", [1, "a", [True]]),
    ("[]", []),
    ("1 == 1.0", True),
    ("true == 1", False),
    ("[true] == [1]", False),
    ("'1' == 1", False),
    ("null == false", False),
    ("params.n >= 3 && params.n != 4", True),
    ("params.n in [1, 3]", True),
    ("params.n not in [1, 3]", False),
    ("'wo' in 'two'", True),
    ("'id' in job", True),
    ("!params.on || params.on", True),
    ("not params.n == 4", True),
    ("not true or true", True),
    ("params.none || 'default'", "default"),
    ("false && params.nothing", False),
    ("'a' + 'b'", "ab"),
    ("[1] + [2]", [1, 2]),
    ("'a' < 'b'", True),
    ("\n params.n\n", 3),
]


@pytest.mark.parametrize(("text", "value"), VALUES)
def test_an_expression_has_the_value_and_the_type_that_it_should(text: str, value: object) -> None:
    """One row for each rule of the grammar."""
    result = parse_template("${{" + text + "}}").evaluate(SCOPE)
    assert result == value
    assert type(result) is type(value)


WRONG = [
    ("params.x y", "expected an operator or }}, found 'y'", ""),
    ("1 +", "expected a value, found the end of the expression", ""),
    ("(1", "expected ')', found the end", ""),
    ("", "an empty expression", "params.x"),
    ("prams.x", "unknown name 'prams'", "did you mean 'params'?"),
    ("True", "unknown name 'True'", "write true"),
    ("len(params.x)", "no function 'len'", "no functions"),
    ("params.rat", "params has no 'rat'", "did you mean 'rate'?"),
    ("params.many[9]", "no item 9: it has 3", ""),
    ("params.rate.x", "params.rate is of type float and has no 'x'", ""),
    ("1 < 2 < 3", "do not chain", "a < b && b < c"),
    ("1 = 2", "'=' has no meaning", "=="),
    ("'abc", "is never closed", ""),
    (r'"\q"', "unknown escape", ""),
    ("1abc", "is not a number", ""),
    ("1 / 0", "division by zero", ""),
    ("1 / (1 - 1.0)", "division by zero", ""),
    ("'a' + 1", "'+' does not go between a str and a int", ""),
    ("true < false", "'<' does not go between", ""),
    ("-'a'", "'-' needs a number", ""),
    ("1 in 2", "'in' cannot look for", ""),
    ("secrets.X", "secrets.X has no value here", ""),
    ("__import__('os')", "no function", ""),
    ("params.__class__", "has no '__class__'", ""),
    ("1e999", "too large", ""),
    ("9" * 50, "more than 40 digits", ""),
    ("(" * 100 + "1" + ")" * 100, "nest deeper", ""),
    ("[" * 5000, "nest deeper", ""),
    ("1" + "+1" * 500, "operators", ""),
    ("'" + "a" * 20_000 + "'", "longer than", ""),
    ("*".join(["9999999999"] * 20), "too large", ""),
]


@pytest.mark.parametrize(("text", "message", "hint"), WRONG)
def test_a_wrong_expression_is_refused_in_words_that_help(text: str, message: str, hint: str) -> None:
    """What was found and what was expected, with a suggestion where there is one."""
    with pytest.raises(ExpressionError) as caught:
        parse_template("x ${{" + text + "}}").evaluate(SCOPE)
    assert message in str(caught.value)
    assert hint in caught.value.hint


@pytest.mark.parametrize(("text", "offset"), [("ab ${{ params.x + }}", 18), ("${{ 1 }} ${{ x }}", 13), ("a ${{ 1", 2)])
def test_an_error_tells_where_it_is(text: str, offset: int) -> None:
    """Offsets count characters of the whole text."""
    with pytest.raises(ExpressionError) as caught:
        parse_template(text)
    assert caught.value.offset == offset
    assert caught.value.to_dict()["details"] == {"offset": offset}
    assert isinstance(caught.value, BadRequest)


def test_a_template_names_its_references_in_order() -> None:
    """With the names as far as they are written out, and where each stands."""
    template = parse_template("a ${{ params.x[0] + tasks['my task'].outputs.y }} $${{ no }} ${{ inputs[params.k].z }}")
    assert template.references == (
        Reference("params", ("x", 0)),
        Reference("tasks", ("my task", "outputs", "y")),
        Reference("inputs"),
        Reference("params", ("k",)),
    )
    assert [str(reference) for reference in template.references][:2] == ["params.x[0]", "tasks['my task'].outputs.y"]
    assert template.references[0].offset == 6


def test_a_text_without_expressions_is_plain() -> None:
    """And costs no parsing."""
    template = parse_template("echo $HOME {{ x }}")
    assert template.is_plain
    assert template.evaluate({}) == template.render_command({}) == template.render_env({}) == "echo $HOME {{ x }}"


def test_a_doubled_dollar_stands_for_the_opening_itself() -> None:
    """``$${{`` is text, and an expression may follow it."""
    template = parse_template("$${{ a }} ${{ 1 }}$${{")
    assert template.evaluate({}) == "${{ a }} 1${{"
    assert parse_template("$${{ a }}").is_plain
    assert parse_template("$${{ a }}").evaluate({}) == "${{ a }}"


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("${{ params.on }}", "true"),
        ("${{ params.none }}", ""),
        ("${{ params.many }}", '[1, "two", [3]]'),
        ("${{ job }}", '{"id": "j1"}'),
        ("a ${{ params.name }} b", "a a b b"),
        ("${{ '한글' }}", "한글"),
    ],
)
def test_an_environment_variable_is_plain_text(text: str, written: str) -> None:
    """true and false, JSON for lists and structs, nothing for null; no quoting."""
    assert parse_template(text).render_env(SCOPE) == written


@pytest.mark.parametrize("value", ["a\0b", float("nan"), {"x": object()}, [float("inf")]])
def test_a_value_that_no_program_can_be_given_is_refused(value: object) -> None:
    """A NUL, or what JSON cannot carry."""
    template = parse_template("${{ [item] }}" if not isinstance(value, str) else "${{ item }}")
    with pytest.raises(ExpressionError):
        template.render_env({"item": value})


def test_a_value_that_is_nested_without_end_is_refused() -> None:
    """Depth is no way to break the evaluator."""
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(ExpressionError):
        parse_template("${{ item == item }}").evaluate({"item": deep})
    with pytest.raises(ExpressionError):
        parse_template("x${{ item }}").evaluate({"item": deep})


def test_an_error_never_shows_a_value_that_may_be_secret() -> None:
    """Neither as a key nor as an operand."""
    scope = {"secrets": {"X": "s3cret"}, "params": {"a": {"b": 1}, "l": [1]}}
    for text in (
        "params.a[secrets.X]",
        "params.l[secrets.X]",
        "secrets.X.y",
        "secrets.X + 1",
        "-secrets.X",
        "1 in secrets.X",
    ):
        with pytest.raises(ExpressionError) as caught:
            parse_template("${{" + text + "}}").evaluate(scope)
        assert "s3cret" not in str(caught.value.to_dict())


_WORDS = st.sampled_from(
    ["params.n", "params", "item", "tasks.", "tasks.a-b", "[", "]", "(", ")", "'a'", '"b"', "1", "2.5", "+", "-", "*",
     "/", "%", "==", "<", ">=", "in", "not", "!", "&&", "||", "and", ".", ",", "true", "null", "}}", "${{", "한"]
)  # fmt: skip


@given(st.lists(_WORDS | st.text(max_size=3), max_size=12).map(" ".join))
def test_whatever_is_written_gives_a_value_or_an_expression_error(text: str) -> None:
    """Nothing else ever comes out of a text, however odd."""
    with contextlib.suppress(ExpressionError):
        parse_template("${{ " + text + " }}").evaluate(SCOPE)
