"""What a pipeline registers and which versions it serves: names, words, and what is wrong with them."""

from __future__ import annotations

import pytest

from fasttrack_jupyter.interchange.fasttrack import export
from fasttrack_jupyter.model.pipeline import Generation
from fasttrack_jupyter.model.problems import Problem
from fasttrack_jupyter.model.reading import read_pipeline
from fasttrack_jupyter.model.registry import ModelRef, check_alias, folder_of, parse_model_ref, version_of

TRAIN = "{name: train, command: x, outputs: {model: {type: Model, register: digits}}}"
SERVE = "{name: serve, type: deployment, %sservice: {name: s, model: %s}}"


def problems(*tasks: str) -> list[Problem]:
    """What is wrong with a pipeline of these tasks."""
    return list(read_pipeline("name: p\ntasks:\n" + "\n".join(f"- {task}" for task in tasks) + "\n").problems)


@pytest.mark.parametrize(
    ("text", "ref", "version"),
    [
        ("digits", ModelRef("digits"), None),
        ("digits@3", ModelRef("digits", "3"), 3),
        ("digits@v3", ModelRef("digits", "v3"), 3),
        ("a.b-c_d@production", ModelRef("a.b-c_d", "production"), None),
    ],
)
def test_a_version_is_asked_for_by_number_or_word(text: str, ref: ModelRef, version: int | None) -> None:
    """A model alone means its latest."""
    assert parse_model_ref(text) == ref
    assert ref.version == version


@pytest.mark.parametrize("text", ["", "@3", "a b@3", "digits@", "digits@A b", "x" * 41, "-a", "digits@1@2", "한국어@1"])
def test_what_names_no_version_is_refused(text: str) -> None:
    """With words that say what would."""
    with pytest.raises(ValueError, match="write"):
        parse_model_ref(text)


@pytest.mark.parametrize("word", ["latest", "3", "v3", "", "a b", "A", "x" * 33])
def test_what_would_mean_something_else_is_no_alias(word: str) -> None:
    """Numbers and ``latest`` are taken."""
    with pytest.raises(ValueError, match="write a word"):
        check_alias(word)


def test_a_folder_tells_its_version_and_back() -> None:
    """Names that only look like it are none."""
    assert version_of(folder_of("digits-v2", 13)) == ("digits-v2", 13)
    assert [version_of(name) for name in ("digits", "digits-v0", "digits-v01", "-v3", "digits-v")] == [None] * 5


@pytest.mark.parametrize(
    ("tasks", "code", "hint"),
    [
        (
            ["{name: a, command: x, outputs: {m: {type: File, register: digits}}}"],
            "register-no-model",
            "set type: Model",
        ),
        (["{name: a, command: x, outputs: {m: {type: Model, register: a b}}}"], "bad-value", "at most 40 letters"),
        ([SERVE % ("", "digits@Best!")], "bad-model-version", "digits@latest, digits@3"),
        ([TRAIN, SERVE % ("", "digits@latest")], "version-not-awaited", "dependencies: [train]"),
    ],
)
def test_mistakes_are_told_with_their_remedy(tasks: list[str], code: str, hint: str) -> None:
    """Each at its place."""
    (problem,) = problems(*tasks)
    assert problem.code == code
    assert hint in problem.hint
    assert problem.line == len(tasks) + 2


def test_a_deployment_that_waits_for_the_version_is_right() -> None:
    """Also where there is a task in between, and where the version is a certain one."""
    between = "{name: between, command: x, dependencies: [train]}"
    assert problems(TRAIN, between, SERVE % ("dependencies: [between], ", "digits@latest")) == []
    assert problems(TRAIN, SERVE % ("", "digits@3")) == []


def test_an_export_says_what_the_registry_knew() -> None:
    """``register`` goes with the outputs; a number is a folder's name; an alias nobody can look up."""
    text = "name: p\ntasks:\n- %s\n- %s\n- %s\n"
    other = SERVE.replace("name: serve", "name: other").replace("name: s,", "name: t,")
    written, losses = export(text % (TRAIN, SERVE % ("", "digits@3"), other % ("", "digits@gold")), Generation.G264)
    assert "model: digits-v3" in written
    assert "register" not in written
    told = [loss.message for loss in losses]
    assert "task train: register digits: FastTrack has no model registry" in told
    assert "task serve: service model digits@3 is written as its folder digits-v3" in told
    assert any("digits@gold: FastTrack has no model registry" in message for message in told)
