"""Calls: functions of the notebook are followed into, those of libraries are looked up in :mod:`.names_tables`."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.notebook import names_tables as tables
from fasttrack_jupyter.notebook.names_core import Core
from fasttrack_jupyter.notebook.names_files import file_use
from fasttrack_jupyter.notebook.names_heap import ANY, NOTHING, Code, Frame, Kind, Node, Value, elements, reach, scatter
from fasttrack_jupyter.notebook.names_record import Finding
from fasttrack_jupyter.notebook.names_scope import body_of, function_scope
from fasttrack_jupyter.notebook.names_state import draw_of, method_draw, state_of

_DEEPEST = 12
_MOST = 6000
"""Calls that are followed in one cell; beyond that they are taken for a library's."""
_STANDS_FOR = {"__call__": ("forward", "call"), "start": ("run",), "fit_transform": ("fit", "transform"),
               "fit_predict": ("fit", "predict"), "submit": ()}  # fmt: skip
Keywords = dict[str, Value]


class Calls(Core):
    """Follows calls."""

    def __init__(self, *, open_world: bool = False) -> None:
        super().__init__(open_world=open_world)
        self.stack: list[ast.AST] = []
        self.returned: list[list[Value]] = []
        self.yields: list[list[Value]] = []
        self.followed = 0
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

    # --- a call

    def call(self, node: ast.Call) -> Value:
        """A call and what it does."""
        special = self._special(node)
        if special is not None:
            return special
        callee = self.value(node.func)
        positional = [self.value(argument) for argument in node.args]
        keywords = {keyword.arg or "**": self.value(keyword.value) for keyword in node.keywords}
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if name == "sample" and (draw := method_draw(name, frozenset(keywords), node.lineno)):
            self.record.states.append(draw)
        self._note_file(node, callee, positional, keywords)
        if "out" in keywords:
            self.mutate(keywords["out"].nodes, node.lineno, "out=")
        return self.invoke_all(callee, positional, keywords, node.lineno, discarded=self.discarded is node)

    def _note_file(self, node: ast.Call, callee: Value, positional: list[Value], keywords: Keywords) -> None:
        paths = [one.type for one in callee.nodes if one.kind is Kind.MEMBER]
        name = paths[0] if paths else f".{node.func.attr}" if isinstance(node.func, ast.Attribute) else ""
        receiver = self.receiver_text(callee)
        use = file_use(
            name,
            [value.const for value in positional],
            {k: v.const for k, v in keywords.items()},
            receiver,
            node.lineno,
        )
        if use:
            self.record.files.append(use)

    @staticmethod
    def receiver_text(callee: Value) -> str | None:
        """The text of the path that a method is called of: ``Path("a").read_text``."""
        texts = [owner.type[5:] for node in callee.nodes for owner in node.owner if owner.type.startswith("path:")]
        return texts[0] if texts else None

    def invoke_all(
        self, callee: Value, positional: list[Value], keywords: Keywords, line: int, *, discarded: bool = False
    ) -> Value:
        """Call whatever this value may be."""
        if not callee.nodes:
            return self._unknown(None, positional, keywords, line)
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
            return self._library(node, positional, keywords, line)
        if node.kind is Kind.INSTANCE:
            return self.method_of(node, "__call__", positional, keywords, line) or self._unknown(
                node, positional, keywords, line
            )
        if node.owner:
            return self._method(node, positional, keywords, line, discarded)
        return self._unknown(node, positional, keywords, line)

    # --- functions and classes of the notebook

    def invoke(self, function: Node, positional: list[Value], keywords: Keywords, line: int) -> Value:
        """Run a function's body with these arguments."""
        code = function.code
        if code is None or isinstance(code.tree, ast.ClassDef):
            return self._unknown(function, positional, keywords, line)
        self.touch_code(function, line)
        if self.stack.count(code.tree) > 1 or len(self.stack) >= _DEEPEST or self.followed >= _MOST:
            return self._not_followed(function, positional, keywords, line)
        self.followed += 1
        receiver = [Value(function.owner)] if function.owner else []
        frame = self._frame(function, code, [*receiver, *positional], keywords)
        self.stack.append(code.tree)
        self.returned.append([])
        self.yields.append([])
        with self.inside(*code.enclosing, frame):
            self.block(body_of(code.tree))
        self.stack.pop()
        return self._outcome(code, self.returned.pop(), self.yields.pop())

    def _not_followed(self, function: Node, positional: list[Value], keywords: Keywords, line: int) -> Value:
        if self.followed >= _MOST:
            self.record.find(
                Finding("too_deep", "the calls in this cell are too many to be followed", line, (),
                        "name what the task changes with --out")
            )  # fmt: skip
        return self._made("", [*positional, *keywords.values(), Value(function.owner)])

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
        scope = function_scope(code.tree)
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
        """Call a method that the notebook's class defines, or those that a library's base calls for it; None: no such."""
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

    # --- methods and functions of libraries

    def _method(self, node: Node, positional: list[Value], keywords: Keywords, line: int, discarded: bool) -> Value:
        name, owner = node.attribute, Value(node.owner)
        result = self._instance_method(node, positional, keywords, line)
        known = {one for one in node.owner if one.kind is not Kind.INSTANCE}
        if result is not None and not known:
            return result
        types = {one.type for one in node.owner}
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
        if types & {"ndarray", "tensor"} and name in tables.VIEWS:
            return owner
        if types and types <= {"number", ""} and name in tables.PURE_METHODS:
            return NOTHING
        kind = next((one for one in sorted(types) if one in tables.PLAIN_TYPES or one == "figure"), "")
        if kind == "figure":
            return Value(owner.nodes)
        if kind == "frame" and name in ("plot", "hist", "boxplot"):
            return Value(frozenset({self.make(Kind.OPAQUE, "figure")}))
        return self._made("ndarray" if kind == "rng" else kind, [owner, *positional, *keywords.values()])

    def _container_result(self, name: str, containers: list[Node]) -> Value:
        inside = {part for node in containers for part in elements(node, self.part)}
        if name in ("pop", "popitem", "get", "setdefault", "popleft", "__getitem__", "__next__", "send"):
            return Value(frozenset(inside))
        made = self.make(Kind.CONTAINER, containers[0].type)
        if name in ("items", "most_common"):
            pair = self.make(Kind.CONTAINER, "tuple")
            pair.add(ANY, inside)
            inside = {pair}
        if name == "keys" or not inside:
            return Value(frozenset({made})) if name in ("copy", "keys", "values", "items") else NOTHING
        made.add(ANY, inside)
        return Value(frozenset({made}))

    def _library(self, node: Node, positional: list[Value], keywords: Keywords, line: int) -> Value:
        path = node.type
        name = path.removeprefix("builtins.")
        everything = [*positional, *keywords.values()]
        for state in (state_of(path, line, "call"), draw_of(path, line, frozenset(keywords), len(positional))):
            if state:
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
        if path == "functools.partial":
            return self._made("", everything, holds=True)
        if path in ("itertools.tee", "itertools.chain", "itertools.cycle", "itertools.islice", "itertools.zip_longest"):
            return self._of_elements("iterator", everything, line)
        if kind in ("list", "dict"):
            return self._of_elements(kind, positional, line)
        return self._made(
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
                else self._made("", everything)
            )
        if name in tables.IMMUTABLE_RESULT:
            return NOTHING
        if name == "map":
            return self._of_elements(
                "iterator",
                [
                    *positional[1:],
                    self.invoke_all(positional[0], [self.each(v, line) for v in positional[1:]], {}, line),
                ]
                if positional
                else [],
                line,
            )
        if name in tables.ELEMENTS_OF_ARGUMENTS:
            return self._of_elements(
                "iterator" if name in tables.ITERATORS else name, positional, line, pairs=name in ("zip", "enumerate")
            )
        return self._made("iterator" if name == "open" else "", everything)

    def _of_elements(self, kind: str, values: list[Value], line: int, *, pairs: bool = False) -> Value:
        made = self.make(Kind.CONTAINER, {"sorted": "list", "frozenset": "set"}.get(kind, kind))
        inside = {node for value in values for node in self.each(value, line, consume=False).nodes}
        if pairs:
            pair = self.make(Kind.CONTAINER, "tuple")
            pair.add(ANY, inside)
            inside = {pair}
        made.add(ANY, inside)
        if kind == "iterator":
            made.add(".held", (node for value in values for node in value.nodes if node.type == "iterator"))
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

    def _unknown(self, node: Node | None, positional: list[Value], keywords: Keywords, line: int) -> Value:
        everything = [*positional, *keywords.values()]
        callee = [] if node is None else [Value(frozenset({node}))]
        self._call_back(everything, line, of_owner={node} if node else ())
        made = self._made("", [*everything, *callee])
        if node is not None and node.type == "class":
            for one in made.nodes:
                one.klass = node
        return made

    def _made(self, kind: str, values: list[Value], *, holds: bool = False, path: str = "") -> Value:
        """What code that is not seen returns: new, or made of what it was given."""
        if kind == "number":
            return NOTHING
        made = self.make(Kind.OPAQUE, kind)
        nodes = {node for value in values for node in value.nodes if node.kind not in (Kind.MEMBER, Kind.CLASS)}
        if holds:
            made.add(".held", nodes)
        elif kind not in tables.PLAIN_TYPES:
            made.maybe |= nodes
        return Value(frozenset({made}))

    # --- what is not quite a call

    def _special(self, node: ast.Call) -> Value | None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name == "super" and self.chain and not node.args:
            return self._super()
        if name in ("exec", "eval") and name not in self.globals.variables:
            return self._run_text(node, name)
        if name in ("globals", "locals", "vars", "dir") and not node.args and name not in self.globals.variables:
            if name == "globals" or not self.chain:
                self.record.find(
                    Finding("namespace", f"{name}() hands out all names, and a task has only those which its cell names",
                            node.lineno, (), "use the names themselves")
                )  # fmt: skip
            return NOTHING
        return None

    def _super(self) -> Value | None:
        function = next((frame for frame in reversed(self.chain) if frame.is_function), None)
        tree = self.stack[-1] if self.stack else None
        if function is None or not isinstance(tree, (ast.FunctionDef, ast.AsyncFunctionDef)) or not tree.args.args:
            return None
        receiver = function.variables.get(tree.args.args[0].arg)
        nodes: set[Node] = set()
        for one in receiver.value.nodes if receiver else ():
            above = self.make(Kind.INSTANCE)
            above.parts = one.parts
            above.klass = self._above(one.klass, tree)
            nodes.add(above if above.klass else one)
        return Value(frozenset(nodes))

    def _above(self, klass: Node | None, tree: ast.AST) -> Node | None:
        """A class whose bases are those of the class that defines ``tree``, as ``super()`` looks names up."""
        if klass is None:
            return None
        own = {part.code.tree for parts in klass.parts.values() for part in parts if part.code}
        bases = [base for base in klass.parts.get(".bases", ()) if base.kind is Kind.CLASS]
        if tree in own:
            above = Node(Kind.CLASS, "", klass.cell)
            above.add(".bases", bases)
            return above
        return next((found for base in bases if (found := self._above(base, tree))), None)

    def _run_text(self, node: ast.Call, name: str) -> Value | None:
        values = [self.value(argument) for argument in node.args]
        text = values[0].const if values else None
        if len(values) > 1:
            return self._made("", values)
        if isinstance(text, str):
            try:
                tree = ast.parse(text.strip(), mode="exec")
            except SyntaxError:
                return NOTHING
            for one in ast.walk(tree):
                ast.copy_location(one, node) if hasattr(one, "lineno") else None
            if name == "eval" and tree.body and isinstance(tree.body[0], ast.Expr):
                return self.value(tree.body[0].value)
            self.block(tree.body)
            return NOTHING
        self.record.find(
            Finding(
                "hidden_code", f"{name}() runs text that is not known here: what it reads and writes cannot be seen",
                node.lineno, (), "name its variables with --in and --out",
                Severity.WARNING if name == "eval" else Severity.ERROR,
            )
        )  # fmt: skip
        return self._made("", values)
