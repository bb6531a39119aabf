"""Values in commands: one word each, wherever they stand, as the real shell sees it."""

import subprocess

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fasttrack_jupyter.model.expressions import ExpressionError, parse_template

FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
WICKED = [
    "",
    "a b",
    "it's",
    '"',
    "$(echo PWNED)",
    "`echo PWNED`",
    "'; echo PWNED; '",
    "\\",
    "a\nb",
    "한글 이름",
    "*",
    "~",
]
WICKED += ["#x", "-n", "$HOME", "EOF", "!!", "{a,b}", "a=b", ")", "}", "case", "\t", "2", "\\'"]
TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    WICKED
)


def sh(command: str) -> str:
    """What ``/bin/sh -c command`` writes."""
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, check=True, timeout=10)
    return done.stdout.decode()


def render(text: str, **values: object) -> str:
    """``text`` as a command with ``values`` as inputs."""
    return parse_template(text).render_command({"inputs": values})


@FEW
@given(TEXTS, TEXTS)
def test_every_value_reaches_the_program_as_it_is(first: str, second: str) -> None:
    """Alone, glued to other words, and inside a command substitution."""
    command = render(
        "printf '%s|' ${{ inputs.a }} pre${{ inputs.b }}post \"$(printf '%s.' ${{ inputs.a }})\"", a=first, b=second
    )
    assert sh(command) == f"{first}|pre{second}post|{first}.|"


PLACES = [
    "printf '%s' {}",
    "printf '%s' \"{}\"",
    "printf '%s' '{}'",
    "cat <<EOF\n{}\nEOF\n",
    "cat <<'EOF'\n{}\nEOF\n",
    "cat <<-EOF\n\t{}\n\tEOF\nprintf '%s' {}",
    "cat <<A <<'B B'\nx {}\nA\ny\nB B\nprintf '%s' {}",
    "true # it's {}\nprintf '%s' {}",
    "printf '%s' \"$(printf '%s' {})\"",
    "printf '%s' \"a $(printf '%s' \"{}\") {}\"",
    "printf '%s' `printf '%s' {}`",
    "x=${{UNSET:-{}}}; printf '%s' \"$x\" {}",
    "printf '%s' $((1 + {}))",
    "printf '%s' \\{}",
    "printf '%s' a\\'{}\\'",
    'printf \'%s\' "\\"{}\\"" {}',
    "(printf '%s' {})",
    "case {} in a) printf x;; *) printf y;; esac; printf '%s' {}",
    "printf '%s' \"$(case a in a) printf '%s' \"{}\";; esac)\" {}",
    "printf '%s' $'a\\'b' {}",
    "printf '%s' a#{} ${{#}} # {}",
    "printf '%s' $((1<<2)) {}",
    "printf '%s' {}>&1",
    "cat <<\"E'F\"\n' {}\nE'F\nprintf '%s' {}",
    "printf '%s' \"${{U-'}}{}'\" {}",
]


@FEW
@given(st.sampled_from(PLACES), TEXTS)
def test_no_value_is_ever_run(place: str, value: str) -> None:
    """Wherever it stands a value is data, or it is refused: nothing in it is ever expanded."""
    text = place.replace("{}", "\1").replace("{{", "{").replace("}}", "}").replace("\1", "${{ inputs.x }}")
    try:
        command = render(text, x=value)
    except ExpressionError:
        return
    done = subprocess.run(["/bin/sh", "-c", command], capture_output=True, timeout=10, env={"HOME": "/EXPANDED"})
    output = done.stdout.decode(errors="replace")
    assert "PWNED" not in output.replace("echo PWNED", "")
    assert "/EXPANDED" not in output


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("echo '${{ inputs.x }}'", "single quotes"),
        ('echo "${{ inputs.x }}"', "double quotes"),
        ("cat <<EOF\n${{ inputs.x }}\nEOF", "a here-document"),
        ("echo `echo ${{ inputs.x }}`", "backquotes"),
        ("echo ${A:-${{ inputs.x }}}", "${…}"),
        ("echo $((${{ inputs.x }}))", "$((…))"),
        ("echo \\${{ inputs.x }}", "the reach of a backslash"),
        ("cat <<${{ inputs.x }}\n", "cannot be told"),
    ],
)
def test_a_value_that_would_need_quotes_inside_of_quotes_is_refused(text: str, place: str) -> None:
    """The error names the place and the remedy, an env."""
    with pytest.raises(ExpressionError) as caught:
        render(text, x="a b")
    assert place in caught.value.message
    assert "env" in caught.value.hint
    assert caught.value.offset == text.index("${{")


@pytest.mark.parametrize(
    ("text", "command"),
    [
        ("echo '${{ inputs.n }}' \"${{ inputs.n }}\"", "echo '3' \"3\""),
        ("cat <<EOF\n${{ inputs.n }}\nEOF\necho ${{ inputs.x }}", "cat <<EOF\n3\nEOF\necho 'a b'"),
        ("# for ${{ inputs.x }}\ntrue", "# for a b\ntrue"),
        ("echo ${{ inputs.n }}>f", "echo '3'>f"),
        ("echo $((1 + ${{ inputs.n }}))", "echo $((1 + 3))"),
        ("echo ${{ inputs.e }}'${{ inputs.e }}'", "echo ''''"),
        ("echo ${{ inputs.l }} ${{ inputs.t }}", "echo '[1, \"a\"]' true"),
    ],
)
def test_a_value_is_quoted_only_where_it_must_be(text: str, command: str) -> None:
    """Harmless values stand anywhere, also inside of quotes."""
    assert render(text, n=3, x="a b", e="", l=[1, "a"], t=True) == command


def test_a_secret_in_a_command_is_refused_with_the_remedy() -> None:
    """Because everybody on the machine can read a command line."""
    with pytest.raises(ExpressionError) as caught:
        parse_template("curl -H ${{ secrets.TOKEN }}").render_command({"secrets": {"TOKEN": "s3cret"}})
    assert "s3cret" not in str(caught.value.to_dict())
    assert "env" in caught.value.hint
