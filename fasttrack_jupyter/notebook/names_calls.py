"""Calls of the notebook's own functions and classes: their bodies are walked through with what they are given."""

from __future__ import annotations

import ast

from fasttrack_jupyter.notebook.names_caching import Caching
from fasttrack_jupyter.notebook.names_heap import ANY, NOTHING, Code, Frame, Kind, Node, Value
from fasttrack_jupyter.notebook.names_scope import Function, Scope, body_of, function_scope

_DEEPEST = 20
"""Calls within calls that are followed."""
_STANDS_FOR = {"__call__": ("forward", "call"), "start": ("run",), "fit_transform": ("fit", "transform"),
               "fit_predict": ("fit", "predict"), "submit": ()}  # fmt: skip
Keywords = dict[str, Value]
_PARTIAL = "partial"


class Following(Caching):
    """Follows calls into the notebook's own code."""

    def __init__(self, *, open_world: bool = False) -> None:
        super().__init__(open_world=open_world)
        self.stack: list[ast.AST] = []
        self.returned: list[list[Value]] = []
        self.yields: list[list[Value]] = []
        self._scopes: dict[Function, Scope] = {}
        self.discarded: ast.expr | None = None
        """The call whose result the present statement throws away."""

    # --- what the expressions do

    def attribute(self, base: Value, name: str, line: int) -> Value:
        """``base.name``."""
        raise NotImplementedError

    def assign(self, target: ast.expr, value: Value) -> None:
        """Bind a target."""
        raise NotImplementedError

    def combined(self, values: list[Value]) -> Value:
        """Something new, made of these."""
        raise NotImplementedError

    def each(self, value: Value, line: int, *, consume: bool = True) -> Value:
        """The elements of a value."""
        raise NotImplementedError

    def library(self, node: Node, positional: list[Value], keywords: Keywords, line: int) -> Value:
        """Call a library's function."""
        raise NotImplementedError

    def method(self, node: Node, positional: list[Value], keywords: Keywords, line: int, discarded: bool) -> Value:
        """Call a library's method."""
        raise NotImplementedError

    def unknown(self, node: Node | None, positional: list[Value], keywords: Keywords, line: int) -> Value:
        """Call what is not known."""
        raise NotImplementedError

    def made(self, kind: str, values: list[Value], *, holds: bool = False) -> Value:
        """What code that is not seen returns."""
        raise NotImplementedError

    def invoke_all(
        self, callee: Value, positional: list[Value], keywords: Keywords, line: int, *, discarded: bool = False
    ) -> Value:
        """Call whatever this value may be."""
        if not callee.nodes:
            return self.unknown(None, positional, keywords, line)
        result: Value | None = None
        for node in sorted(callee.nodes, key=id) if len(callee.nodes) > 1 else callee.nodes:
            one = self._invoke_one(node, positional, keywords, line, discarded)
            result = one if result is None else result | one
        return result or NOTHING

    def _invoke_one(self, node: Node, positional: list[Value], keywords: Keywords, line: int, discarded: bool) -> Value:
        if node.kind is Kind.FUNCTION:
            return self.invoke(node, positional, keywords, line)
        if node.kind is Kind.CLASS:
            return self.instance(node, positional, keywords, line)
        if node.kind is Kind.MEMBER:
            return self.library(node, positional, keywords, line)
        if node.kind is Kind.INSTANCE:
            return self.method_of(node, "__call__", positional, keywords, line) or self.unknown(
                node, positional, keywords, line
            )
        if node.owner:
            return self.method(node, positional, keywords, line, discarded)
        if node.type == _PARTIAL:
            return self._invoke_partial(node, positional, keywords, line, discarded)
        return self.unknown(node, positional, keywords, line)

    # --- functools.partial

    def partial(self, positional: list[Value], keywords: Keywords) -> Value:
        """What ``functools.partial`` makes: called, it calls the first with the rest."""
        made = self.made(_PARTIAL, [*positional, *keywords.values()], holds=True)
        for node in made.nodes:
            for place, value in enumerate(positional):
                node.add(f".{place}", value.nodes)
            for name, value in keywords.items():
                node.add(f".given {name}", value.nodes)
        return made

    def _invoke_partial(
        self, node: Node, positional: list[Value], keywords: Keywords, line: int, discarded: bool
    ) -> Value:
        given = {key: Value(frozenset(nodes)) for key, nodes in node.parts.items()}
        callee, *first = [given[key] for key in sorted((key for key in given if key[1:].isdigit()), key=_place)]
        named = {key.removeprefix(".given "): value for key, value in given.items() if key.startswith(".given ")}
        return self.invoke_all(callee, [*first, *positional], {**named, **keywords}, line, discarded=discarded)

    # --- functions and classes of the notebook

    def invoke(self, function: Node, positional: list[Value], keywords: Keywords, line: int) -> Value:
        """Run a function's body with these arguments."""
        code = function.code
        if code is None or isinstance(code.tree, ast.ClassDef):
            return self.unknown(function, positional, keywords, line)
        self.touch_code(function, line)
        if self.stack.count(code.tree) > 1 or not self._is_followed(line):
            return self.made("", [*positional, *keywords.values(), Value(function.owner)])
        self.followed += 1
        before = self.effects_so_far() if "cached" in code.kinds else None
        receiver = [Value(function.owner)] if function.owner else []
        frame = self._frame(function, code, [*receiver, *positional], keywords)
        self.stack.append(code.tree)
        self.returned.append([])
        self.yields.append([])
        with self.inside(*code.enclosing, frame):
            self.block(body_of(code.tree))
        self.stack.pop()
        if before is not None:
            self.remembered(function, code, before, line)
        return self._outcome(code, self.returned.pop(), self.yields.pop())

    def _is_followed(self, line: int) -> bool:
        if len(self.stack) >= _DEEPEST:
            self.cut(f"functions call each other more than {_DEEPEST} deep, which is too deep to be followed", line)
            return False
        return not self.is_spent(line)

    def _outcome(self, code: Code, returned: list[Value], yielded: list[Value]) -> Value:
        if "generator" in code.kinds or yielded:
            made = self.make(Kind.CONTAINER, "iterator")
            made.add(ANY, (node for value in yielded for node in value.nodes))
            return Value(frozenset({made}))
        result = NOTHING
        for index, value in enumerate(returned):
            result = value if index == 0 else result | value
        return result

    def _frame(self, function: Node, code: Code, positional: list[Value], keywords: Keywords) -> Frame:
        assert not isinstance(code.tree, ast.ClassDef)
        scope = self._scopes.get(code.tree) or self._scopes.setdefault(code.tree, function_scope(code.tree))
        frame = Frame(local=frozenset(scope.local), global_=frozenset(scope.global_), is_function=True)
        arguments = code.tree.args
        plain = [arg.arg for arg in (*arguments.posonlyargs, *arguments.args)]
        values = dict(zip(plain, positional, strict=False))
        values.update({name: value for name, value in keywords.items() if name in scope.bound})
        rest = [*positional[len(plain) :], *(v for k, v in keywords.items() if k not in scope.bound)]
        spread = frozenset(node for value in rest for node in value.nodes)
        defaults = frozenset(function.parts.get(".defaults", ()))
        for arg in (*plain, *(arg.arg for arg in arguments.kwonlyargs)):
            values.setdefault(arg, Value(defaults | (spread if "**" in keywords else frozenset())))
        for star in (arguments.vararg, arguments.kwarg):
            if star:
                held = self.make(Kind.CONTAINER, "tuple")
                held.add(ANY, spread)
                values[star.arg] = Value(frozenset({held}))
        with self.inside(*code.enclosing, frame):
            for name, value in values.items():
                self.store(name, value, code.tree.lineno)
        return frame

    def yielded(self, value: Value) -> None:
        """A generator gives this."""
        if self.yields:
            self.yields[-1].append(value)

    def instance(self, klass: Node, positional: list[Value], keywords: Keywords, line: int) -> Value:
        """A new instance of a class of the notebook."""
        self.touch_code(klass, line)
        made = self.make(Kind.INSTANCE)
        made.klass = klass
        initialized = False
        for part in self.class_attribute(klass, "__init__"):
            if part.kind is Kind.FUNCTION:
                self.invoke(self.bound(part, made), positional, keywords, line)
                initialized = True
        if not initialized:
            fields = klass.code.tree.body if klass.code and isinstance(klass.code.tree, ast.ClassDef) else []
            names = [
                one.target.id for one in fields if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name)
            ]
            for name, value in [*zip(names, positional, strict=False), *keywords.items()]:
                made.add(f".{name}", value.nodes)
            made.add(".held", (node for value in positional for node in value.nodes))
        for part in self.class_attribute(klass, "__post_init__"):
            self.invoke(self.bound(part, made), [], {}, line)
        return Value(frozenset({made}))

    def class_attribute(self, klass: Node, name: str) -> set[Node]:
        """What a class of the notebook, or one of its bases, has under a name."""
        if found := klass.parts.get(f".{name}"):
            return set(found)
        for base in klass.parts.get(".bases", ()):
            if base.kind is Kind.CLASS and (found := self.class_attribute(base, name)):
                return found
        return set()

    @staticmethod
    def is_kind(node: Node, kind: str) -> bool:
        """Whether a function is a property, a class method …"""
        return node.code is not None and kind in node.code.kinds

    @staticmethod
    def bound(function: Node, receiver: Node) -> Node:
        """A method of this object."""
        if function.kind is not Kind.FUNCTION:
            return function
        made = Node(Kind.FUNCTION, "", function.cell, {**function.parts, ".self": {receiver}})
        made.code, made.owner = function.code, frozenset({receiver})
        made.attribute, made.klass = function.attribute or "<method>", function.klass
        return made

    def method_of(self, node: Node, name: str, positional: list[Value], keywords: Keywords, line: int) -> Value | None:
        """Call a method that the notebook's class defines, or those that a library's base calls for it; else None."""
        if node.klass is None:
            return None
        result: Value | None = None
        for one in (name, *(_STANDS_FOR.get(name, ()) if not self.class_attribute(node.klass, name) else ())):
            for part in self.class_attribute(node.klass, one):
                got = self.invoke_all(Value(frozenset({self.bound(part, node)})), positional, keywords, line)
                result = got if result is None else result | got
        return result

    def dunder(self, value: Value, name: str, arguments: list[Value], line: int) -> Value:
        """What the operators of the notebook's own classes do."""
        result = NOTHING
        for node in value.nodes:
            if node.kind is Kind.INSTANCE:
                result |= self.method_of(node, f"__{name}__", arguments, {}, line) or NOTHING
        return result


def _place(key: str) -> int:
    return int(key[1:])
