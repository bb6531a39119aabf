"""The condition of a task (``when``): exactly one expression, which gives true or false."""

from __future__ import annotations

from fasttrack_jupyter.model.expressions import ExpressionError, Slot, parse_template

RESULTS = ("SUCCESS", "FAILURE", "SKIPPED", "CANCELLED")
"""What ``tasks.<name>.result`` can be."""
JOB_STATUSES = ("SUCCESS", "FAILURE", "CANCELLED")
"""What ``job.status`` can be, as final tasks see it: how all others came out."""
_OPEN = "${{"


def parse_condition(text: str) -> Slot:
    """The one expression that ``text`` is.

    Raises:
        ExpressionError: it is none, or there is more than that.
    """
    parts = parse_template(text).parts
    if len(parts) == 1 and isinstance(parts[0], Slot):
        return parts[0]
    slots = [part for part in parts if isinstance(part, Slot)]
    if not slots:
        plain = text.strip().removeprefix("{{").removesuffix("}}").strip()
        hint = f"write ${{{{ {plain} }}}}" if plain and _OPEN not in plain else "write ${{ params.quick }}, for example"
        what = "only text" if plain else "empty"
        raise ExpressionError(f"a condition is an expression, and this is {what}", 0, hint=hint)
    if len(slots) > 1:
        inside = " && ".join(text[slot.start + 3 : slot.end - 2].strip() for slot in slots)
        hint = f"write one: ${{{{ {inside} }}}}"
        raise ExpressionError("a condition is one expression, and these are several", slots[1].start, hint=hint)
    only = slots[0]
    hint = f"put all of it between the braces, or leave only {text[only.start : only.end]}"
    offset = 0 if text[: only.start].strip() else only.end
    raise ExpressionError("a condition is one expression and nothing else", offset, hint=hint)
