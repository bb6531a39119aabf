"""Questions whose answer depends on two names meaning one object, and not on equal values.

``a is b``; and for objects that are equal to themselves alone (``object()``, instances of a class without ``__eq__``)
also ``a == b``, ``a in b``, ``d[a]``, ``b.index(a)``. Between tasks variables travel as copies: where the two come
from different variables, the answer is another one. What was asked is noted; :mod:`.flow_alias` knows the copies.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable

from fasttrack_jupyter.notebook.names_heap import ANY, Kind, Node, Value

KEYS = ".keys"
"""The part for objects that are keys of a dict."""
NANS = frozenset({"numpy.nan", "numpy.NaN", "numpy.NAN", "math.nan"})
LOOKING_UP = frozenset({"get", "index", "count", "remove", "discard", "pop", "setdefault", "__contains__"})
"""Methods of containers that look for what they are given."""
_IDENTICAL = (Kind.OPAQUE, Kind.CONTAINER, Kind.INSTANCE)
_EQUAL_TO_ITSELF = frozenset({"object", "abc.ABC", "abc.ABCMeta", "torch.nn.Module", "typing.Generic"})
_EQUALITY_BY = frozenset({"dataclass", "define", "frozen", "attrs", "s", "total_ordering"})


def asked(op: ast.cmpop, left: Value, right: Value) -> set[Node]:
    """The objects by whose identity a comparison may be decided."""
    if isinstance(op, (ast.Is, ast.IsNot)):
        return {node for node in left.nodes & right.nodes if node.kind in _IDENTICAL and not _is_of_enum(node)}
    if isinstance(op, (ast.Eq, ast.NotEq)):
        return {node for node in left.nodes & right.nodes if is_equal_to_itself_alone(node)}
    if isinstance(op, (ast.In, ast.NotIn)):
        return looked_up(left.nodes, right.nodes)
    return set()


def looked_up(nodes: Iterable[Node], containers: Iterable[Node]) -> set[Node]:
    """Those of the objects that are found in one of the containers by their identity."""
    inside = {
        part
        for container in containers
        for key, parts in container.parts.items()
        if not key.startswith(".") or key in (KEYS, ANY)
        for part in parts
    }
    return {node for node in nodes if node in inside and is_equal_to_itself_alone(node)}


def is_equal_to_itself_alone(node: Node) -> bool:
    """Whether nothing else equals this object."""
    if node.kind is Kind.OPAQUE:
        return node.type == "object"
    return node.kind is Kind.INSTANCE and node.klass is not None and not _has_equality(node.klass)


def _has_equality(klass: Node) -> bool:
    if ".__eq__" in klass.parts:
        return True
    tree = klass.code.tree if klass.code else None
    if not isinstance(tree, ast.ClassDef):
        return klass.type not in _EQUAL_TO_ITSELF
    called = (one.func if isinstance(one, ast.Call) else one for one in tree.decorator_list)
    if any(getattr(one, "attr", getattr(one, "id", "")) in _EQUALITY_BY for one in called):
        return True
    return any(
        _has_equality(base) if base.kind is Kind.CLASS else base.type.removeprefix("builtins.") not in _EQUAL_TO_ITSELF
        for base in klass.parts.get(".bases", ())
    )


def _is_of_enum(node: Node) -> bool:
    """Whether it is a member of an enumeration: there is one of each wherever the enumeration is defined."""
    return any(owner.kind is Kind.CLASS and _is_enum(owner) for owner in node.owner)


def _is_enum(klass: Node) -> bool:
    bases = klass.parts.get(".bases", set())
    return any(_is_enum(base) if base.kind is Kind.CLASS else base.type.startswith("enum.") for base in bases)


def note(identities: dict[Node, int], nodes: Iterable[Node], line: int) -> None:
    """Keep where a question was asked first."""
    for node in nodes:
        identities.setdefault(node, line)


def asks_for_nan(node: ast.Compare, values: list[Value], is_from_before: Callable[[Node], bool]) -> bool:
    """``x is np.nan``, ``np.nan in rows``: what was a NaN in one task is another one in the next."""
    for op, left, right in zip(node.ops, values, values[1:], strict=False):
        if isinstance(op, (ast.Is, ast.IsNot)) and any(one.type in NANS for one in (*left.nodes, *right.nodes)):
            return True
        is_in = isinstance(op, (ast.In, ast.NotIn)) and any(one.type in NANS for one in left.nodes)
        if is_in and any(is_from_before(one) for one in right.nodes):
            return True
    return False
