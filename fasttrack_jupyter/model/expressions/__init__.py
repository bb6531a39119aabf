"""``${{ … }}``: the one safe evaluator. Never ``eval``.

::

    ${{ params.rate * 2 }}    ${{ tasks['my task'].outputs.accuracy > 0.9 && !params.quick }}

``syntax`` reads, ``evaluate`` computes, ``template`` finds expressions in a text and fills them in,
``shell`` knows where in a command a value may stand and how it is quoted there.
"""

from fasttrack_jupyter.model.expressions.errors import ExpressionError, did_you_mean
from fasttrack_jupyter.model.expressions.evaluate import as_text, is_same
from fasttrack_jupyter.model.expressions.syntax import ROOTS, Reference
from fasttrack_jupyter.model.expressions.template import Slot, Template, parse_template

__all__ = [
    "ROOTS",
    "ExpressionError",
    "Reference",
    "Slot",
    "Template",
    "as_text",
    "did_you_mean",
    "is_same",
    "parse_template",
]
