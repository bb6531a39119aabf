"""Calls of what libraries have, looked up in :mod:`.names_tables`: what they change, what their results share."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from fasttrack_jupyter.notebook import names_tables as tables
from fasttrack_jupyter.notebook.names_calls import Following, Keywords
from fasttrack_jupyter.notebook.names_heap import ANY, NOTHING, Kind, Node, Value, copied, elements, reach, scatter
from fasttrack_jupyter.notebook.names_identity import KEYS, LOOKING_UP, looked_up, note
from fasttrack_jupyter.notebook.names_state import draw_of, is_harmless, state_of


class Libraries(Following):
    """Knows libraries."""

    def method(self, node: Node, positional: list[Value], keywords: Keywords, line: int, discarded: bool) -> Value:
        name, owner = node.attribute, Value(node.owner)
        result = self._instance_method(node, positional, keywords, line)
        known = {one for one in node.owner if one.kind is not Kind.INSTANCE}
        if result is not None and not known:
            return result
        types = {one.type for one in node.owner}
        if name in LOOKING_UP:
            found = looked_up((one for value in positional[:1] for one in value.nodes), known)
            note(self.record.identities, found, line)
        if name == "register":  # of an abstract class, of functools.singledispatch
            self.mutate((one for one in node.owner if one.kind in (Kind.CLASS, Kind.FUNCTION)), line, ".register(…)")
        if name in ("cache_info", "cache_clear", "cache_parameters"):
            self.asked_cache(node, line)
        if self.changes(name, types, keywords, discarded=discarded):
            self._change_by_method(owner, name, positional, keywords, line)
        self._call_back([owner, *positional, *keywords.values()], line, of_owner=node.owner)
        return self._method_result(name, owner, types, positional, keywords, line) | (result or NOTHING)

    def _instance_method(self, node: Node, positional: list[Value], keywords: Keywords, line: int) -> Value | None:
        results = [
            self.method_of(one, node.attribute, positional, keywords, line)
            for one in node.owner
            if one.kind is Kind.INSTANCE
        ]
        known = [result for result in results if result is not None]
        return known[0] if known else None

    @staticmethod
    def changes(name: str, types: set[str], keywords: Keywords, *, discarded: bool) -> bool:
        """Whether a library's method changes its object."""
        inplace = keywords.get("inplace")
        if inplace is not None:
            return inplace.const != 0
        if "rng" in types or "iterator" in types:
            return True
        if types == {"logger"}:
            return name.startswith(("set", "add", "remove"))
        if types == {"figure"}:
            return not name.startswith("get_") and name not in tables.READ_ONLY_FIGURE
        if types == {"frame"}:
            return name in ("insert", "pop", "update", "__setitem__", "__delitem__")
        if name in tables.WHEN_DISCARDED:
            return discarded
        return (
            name in tables.SHALLOW_MUTATORS or name in tables.DEEP_MUTATORS or bool(tables.INPLACE_METHOD.match(name))
        )

    def _change_by_method(
        self, owner: Value, name: str, positional: list[Value], keywords: Keywords, line: int
    ) -> None:
        deep = name not in tables.SHALLOW_MUTATORS
        self.mutate(owner.nodes, line, f".{name}(…)", deep=deep)
        given = {node for value in (*positional, *keywords.values()) for node in value.nodes}
        for node in owner.nodes:
            if node.kind is Kind.CONTAINER:
                scatter(node)
                spread = name in ("extend", "update", "extendleft", "__iadd__")
                node.add(ANY, {part for one in given for part in elements(one, self.part)} if spread else given)
            elif node.kind is Kind.MEMBER or node.type in tables.PLAIN_TYPES:
                continue
            else:
                node.maybe |= given - {node}

    def _method_result(
        self, name: str, owner: Value, types: set[str], positional: list[Value], keywords: Keywords, line: int
    ) -> Value:
        if name in tables.RETURNS_SELF:
            return owner
        if name in tables.PURE_METHODS and not types & {"list", "dict"}:
            return NOTHING
        containers = [node for node in owner.nodes if node.kind is Kind.CONTAINER]
        if containers:
            return self._container_result(name, containers)
        if name in tables.HOLDS_OBJECT:
            return self.made("", [owner], holds=True)
        if types == {""} and name in tables.DICT_METHODS:
            return self._container_result(name, list(owner.nodes))
        if types & {"ndarray", "tensor"} and name in tables.VIEWS:
            return owner
        if types and types <= {"number", ""} and name in tables.PURE_METHODS:
            return NOTHING
        kind = next((one for one in sorted(types) if one in tables.PLAIN_TYPES or one == "figure"), "")
        if kind == "figure":
            return Value(owner.nodes)
        if kind == "frame" and name in ("plot", "hist", "boxplot"):
            return Value(frozenset({self.make(Kind.OPAQUE, "figure")}))
        if kind == "frame" and name in tables.FRAME_VIEWS:
            return self._frame_view(owner, "ndarray" if name == "to_numpy" else "frame")
        return self.made("ndarray" if kind == "rng" else kind, [owner, *positional, *keywords.values()])

    def _frame_view(self, owner: Value, kind: str) -> Value:
        made = self.made(kind, [owner])
        for one in made.nodes:
            one.maybe |= owner.nodes
        return made

    def _container_result(self, name: str, containers: list[Node]) -> Value:
        inside = {part for node in containers for part in elements(node, self.part)}
        if name in ("keys", "values", "items"):
            return self._view(name, containers, inside)
        if name in ("pop", "popitem", "get", "setdefault", "popleft", "__getitem__", "__next__", "send"):
            return Value(frozenset(inside))
        made = self.make(Kind.CONTAINER, containers[0].type)
        if name == "most_common":
            inside = {self._pair(inside)}
        if not inside:
            return Value(frozenset({made})) if name == "copy" else NOTHING
        made.add(ANY, inside)
        return Value(frozenset({made}))

    def _view(self, name: str, containers: list[Node], inside: set[Node]) -> Value:
        """What ``keys()``, ``values()``, ``items()`` give: it goes on to show what becomes of its dict."""
        made = self.make(Kind.CONTAINER, "view")
        keys = {part for node in containers for part in node.parts.get(KEYS, ())}
        made.add(".view", containers)
        shown = {"keys": keys, "values": inside, "items": {self._pair(keys | inside)}}[name]
        if shown:
            made.add(ANY, shown)
        return Value(frozenset({made}))

    def _pair(self, inside: set[Node]) -> Node:
        pair = self.make(Kind.CONTAINER, "tuple")
        pair.add(ANY, inside)
        return pair

    def library(self, node: Node, positional: list[Value], keywords: Keywords, line: int) -> Value:
        path = node.type
        name = path.removeprefix("builtins.")
        everything = [*positional, *keywords.values()]
        for state in (state_of(path, line, "call"), draw_of(path, line, frozenset(keywords), len(positional))):
            if state and not is_harmless(path, positional[0].const if positional else None):
                self.record.states.append(state)
        for index in tables.MUTATED_ARGUMENTS.get(name, ()):
            if index < len(positional):
                self.mutate(positional[index].nodes, line, f"{name}(…)")
                for holder in positional[index].nodes:
                    holder.add(ANY, (one for value in positional[index + 1 :] for one in value.nodes))
        for value in everything:
            self.mutate((one for one in value.nodes if one.type == "rng"), line, f"{name}(…)")
        self._call_back(everything, line)
        if path.startswith("builtins."):
            return self._builtin(name, positional, everything, line)
        if name in tables.SAME_AS_ARGUMENT and positional:
            return self._shared(positional[0])
        kind = tables.result_type(path)
        if path in ("pathlib.Path", "pathlib.PurePath", "os.path.join"):
            return self._path(path, positional)
        if path in ("copy.copy", "copy.deepcopy") and positional:
            return copied(positional[0], deep=path == "copy.deepcopy", cell=self.record.cell)
        if path == "functools.partial" and positional:
            return self.partial(positional, keywords)
        if path in ("itertools.tee", "itertools.chain", "itertools.cycle", "itertools.islice", "itertools.zip_longest"):
            return self._of_elements("iterator", everything, line)
        if kind in ("list", "dict", "defaultdict"):
            return self._of_elements(kind, positional, line)
        return self.made(
            kind, everything, holds=path.rpartition(".")[2][:1].isupper() and path not in tables.FRESH, path=path
        )

    def _path(self, path: str, positional: list[Value]) -> Value:
        texts = [value.const for value in positional]
        joined = "/".join(str(text) for text in texts) if all(isinstance(text, str) for text in texts) else None
        if path == "os.path.join":
            return Value(const=joined)
        made = self.make(Kind.OPAQUE, "number" if joined is None else f"path:{joined}")
        return Value(frozenset({made}), joined)

    def _shared(self, value: Value) -> Value:
        if all(node.type == "ndarray" for node in value.nodes):
            return value
        made = self.make(Kind.OPAQUE, "ndarray")
        made.maybe |= value.nodes
        return Value(frozenset({made}))

    def _builtin(self, name: str, positional: list[Value], everything: list[Value], line: int) -> Value:
        if name in tables.CONSUMERS:
            for value in positional:
                self.consume(value, line)
        if name in ("sum", "min", "max"):
            parts = [self.each(value, line) for value in positional]
            return (
                self.combined(parts)
                if name == "sum"
                else Value(frozenset(n for v in (*parts, *positional) for n in v.nodes if n.kind is not Kind.CONTAINER))
            )
        if name in ("next", "anext"):
            return self.each(positional[0], line) if positional else NOTHING
        if name == "getattr" and len(positional) > 1:
            constant = positional[1].const
            return (
                self.attribute(positional[0], constant, line)
                if isinstance(constant, str)
                else self.made("", everything)
            )
        if name in tables.IMMUTABLE_RESULT:
            return NOTHING
        if name == "map":
            mapped = self._of_elements(
                "iterator",
                [
                    *positional[1:],
                    self.invoke_all(positional[0], [self.each(v, line) for v in positional[1:]], {}, line),
                ]
                if positional
                else [],
                line,
            )
            return self._with_function(mapped, positional)
        if name == "filter":
            return self._with_function(self._of_elements("iterator", positional, line), positional)
        if name in tables.ELEMENTS_OF_ARGUMENTS:
            return self._of_elements(
                "iterator" if name in tables.ITERATORS else name, positional, line, pairs=name in ("zip", "enumerate")
            )
        if name == "object":
            return Value(frozenset({self.make(Kind.OPAQUE, "object")}))
        return self.made("iterator" if name == "open" else "", everything)

    @staticmethod
    def _with_function(iterator: Value, positional: list[Value]) -> Value:
        """``map`` and ``filter`` call their function only when somebody reads from them."""
        for made in iterator.nodes:
            made.add(".held", (node for value in positional[:1] for node in value.nodes))
        return iterator

    def _of_elements(self, kind: str, values: list[Value], line: int, *, pairs: bool = False) -> Value:
        made = self.make(Kind.CONTAINER, {"sorted": "list", "frozenset": "set"}.get(kind, kind))
        inside = {node for value in values for node in self.each(value, line, consume=False).nodes}
        if pairs:
            pair = self.make(Kind.CONTAINER, "tuple")
            pair.add(ANY, inside)
            inside = {pair}
        made.add(ANY, inside)
        if kind == "iterator":
            made.add(".held", (node for value in values for node in value.nodes))  # it reads on in what they become
        return Value(frozenset({made}))

    def each(self, value: Value, line: int, *, consume: bool = True) -> Value:
        """The elements of a value, as iterating over it gives them."""
        if consume:
            self.consume(value, line)
        found: set[Node] = set()
        for node in value.nodes:
            own = self.method_of(node, "__iter__", [], {}, line) if node.kind is Kind.INSTANCE else None
            if own is not None:
                found |= {part for one in own.nodes if one is not node for part in elements(one, self.part)}
                got = self.method_of(node, "__next__", [], {}, line)
                found |= got.nodes if got else frozenset()
            elif node.type in ("ndarray", "tensor"):
                found.add(node)
            elif node.type != "figure":
                found |= elements(node, self.part)
            else:
                found.add(node)
        return Value(frozenset(found))

    def consume(self, value: Value, line: int) -> None:
        """An iterator moves on when it is read, and so do those that it reads from."""
        iterators = {node for node in value.nodes if node.type == "iterator"}
        held = {part for node in reach(iterators) for part in node.parts.get(".held", ())}
        self.mutate(iterators | {one for one in held if one.type == "iterator"}, line, "reading from it")

    def _call_back(self, values: list[Value], line: int, *, of_owner: Iterable[Node] = ()) -> None:
        """A library that is given functions of the notebook may call them, with what else it is given."""
        functions = {
            node for value in values for node in value.nodes if node.kind is Kind.FUNCTION and node not in of_owner
        }
        functions |= {
            node
            for one in of_owner
            if one.kind is Kind.OPAQUE
            for node in one.parts.get(".held", ())
            if node.kind is Kind.FUNCTION
        }
        for function in functions:
            given = [self.each(value, line, consume=False) | value for value in values if not value.nodes & functions]
            nodes = frozenset(node for value in given for node in value.nodes)
            tree = function.code.tree if function.code else None
            count = len(tree.args.args) if tree is not None and not isinstance(tree, ast.ClassDef) else 0
            self.invoke(function, [Value(nodes)] * max(0, count - bool(function.owner)), {}, line)

    def unknown(self, node: Node | None, positional: list[Value], keywords: Keywords, line: int) -> Value:
        everything = [*positional, *keywords.values()]
        callee = [] if node is None else [Value(frozenset({node}))]
        self._call_back(everything, line, of_owner={node} if node else ())
        made = self.made("", [*everything, *callee])
        if node is not None and node.type == "class":
            for one in made.nodes:
                one.klass = node
        return made

    def made(self, kind: str, values: list[Value], *, holds: bool = False, path: str = "") -> Value:
        """What code that is not seen returns: new, or made of what it was given."""
        if kind == "number":
            return NOTHING
        made = self.make(Kind.OPAQUE, kind)
        inherited = (node.module for value in values for node in value.nodes if node.module)
        made.module = path.partition(".")[0] or next(inherited, made.module)
        nodes = {node for value in values for node in value.nodes if node.kind not in (Kind.MEMBER, Kind.CLASS)}
        if holds:
            made.add(".held", nodes)
        elif kind not in tables.PLAIN_TYPES:
            made.maybe |= nodes
        elif path in ("pandas.DataFrame", "pandas.Series"):
            made.maybe |= {node for node in nodes if node.type == "ndarray"}
        return Value(frozenset({made}))
