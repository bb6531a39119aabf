"""What expressions evaluate to, as objects of :mod:`.names_heap`."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.notebook import names_identity as identity
from fasttrack_jupyter.notebook.names_heap import ANY, NOTHING, Code, Frame, Kind, Node, Value, elements, item
from fasttrack_jupyter.notebook.names_record import Finding
from fasttrack_jupyter.notebook.names_scope import Comprehension, comprehension_targets, global_names
from fasttrack_jupyter.notebook.names_special import Calls
from fasttrack_jupyter.notebook.names_tables import FRAME_VIEWS, OUTPUT_HISTORY, PLOTS, VIEWS

_BINARY = {
    ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "truediv", ast.FloorDiv: "floordiv", ast.Mod: "mod",
    ast.Pow: "pow", ast.LShift: "lshift", ast.RShift: "rshift", ast.BitOr: "or", ast.BitXor: "xor", ast.BitAnd: "and",
    ast.MatMult: "matmul",
}  # fmt: skip


class Expressions(Calls):
    """Evaluates expressions."""

    def value(self, node: ast.expr | None) -> Value:
        """What an expression may evaluate to; its effects are noted."""
        if node is None:
            return NOTHING
        handler = getattr(self, f"_value_{type(node).__name__.lower()}", None)
        if handler is not None:
            result: Value = handler(node)
            return result
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.value(child)
        return NOTHING

    def _value_constant(self, node: ast.Constant) -> Value:
        return Value(const=node.value) if isinstance(node.value, (str, int)) else NOTHING

    def _value_name(self, node: ast.Name) -> Value:
        if OUTPUT_HISTORY.match(node.id) and node.id not in self.globals.variables and not self._is_local(node.id):
            self._history(node)
            return NOTHING
        return self.load(node.id, node.lineno)

    def _is_local(self, name: str) -> bool:
        return any(name in frame.variables or name in (frame.local or ()) for frame in self.chain)

    def _history(self, node: ast.Name) -> None:
        self.record.find(
            Finding(
                "output_history", f"{node.id!r} is the notebook's history of outputs, which a task does not have",
                node.lineno, (node.id,), "give the value a name in the cell that makes it", Severity.ERROR,
            )
        )  # fmt: skip

    def _value_attribute(self, node: ast.Attribute) -> Value:
        return self.attribute(self.value(node.value), node.attr, node.lineno)

    def attribute(self, base: Value, name: str, line: int) -> Value:
        """``base.name``."""
        found: set[Node] = set()
        for node in base.nodes:
            found |= self._attribute_of(node, name, line)
        return Value(frozenset(found))

    def _attribute_of(self, node: Node, name: str, line: int) -> set[Node]:
        key = f".{name}"
        if node.type == "frame" and name in PLOTS:
            self.record.modules.setdefault("matplotlib", line)
        if node.kind is Kind.MEMBER:
            self.record.modules.setdefault(node.type.partition(".")[0], line)
            return {self.member(f"{node.type}.{name}")}
        if node.kind is Kind.INSTANCE:
            return self._instance_attribute(node, name, line)
        if node.kind is Kind.CLASS:
            inherited = self.class_attribute(node, name)
            return {self.bound(part, node) if self.is_kind(part, "classmethod") else part for part in inherited} or {
                self.part(node, key)
            }
        if node.kind is Kind.FUNCTION:
            return set(node.parts.get(key, ())) or {self.part(node, key)}
        if node.type == "frame" and name in FRAME_VIEWS:
            part = self.part(node, key)
            part.maybe.add(node)
            return {part}
        if node.type in ("ndarray", "tensor") and name in VIEWS:
            return {node, self.part(node, key)}
        return {self.part(node, key)} if key not in node.parts else set(node.parts[key])

    def _instance_attribute(self, node: Node, name: str, line: int) -> set[Node]:
        own = set(node.parts.get(f".{name}", ()))
        inherited = self.class_attribute(node.klass, name) if node.klass else set()
        for part in inherited:
            if self.is_kind(part, "property"):
                own |= self.invoke(self.bound(part, node), [], {}, line).nodes
            elif part.kind is Kind.FUNCTION and not self.is_kind(part, "staticmethod"):
                receiver = node.klass if self.is_kind(part, "classmethod") and node.klass else node
                own.add(self.bound(part, receiver))
            else:
                own.add(part)
        return own or {self.part(node, f".{name}")}

    def _value_subscript(self, node: ast.Subscript) -> Value:
        base, index = self.value(node.value), self.value(node.slice)
        found = set(self.dunder(base, "getitem", [index], node.lineno).nodes)
        identity.note(self.record.identities, identity.looked_up(index.nodes, base.nodes), node.lineno)
        for one in base.nodes:
            found |= self._item_of(one, node.slice, index)
        return Value(frozenset(found))

    def _item_of(self, base: Node, index: ast.expr, key: Value) -> set[Node]:
        if base.kind is Kind.MEMBER:
            return {base}
        slices = [part for part in ast.walk(index) if isinstance(part, ast.Slice)]
        if base.type in ("ndarray", "tensor"):
            if slices or key.const is not None or isinstance(index, ast.UnaryOp):
                return {base}
            copy = self.make(Kind.OPAQUE, base.type)
            copy.maybe.add(base)
            return {copy}
        if slices:
            copy = self.make(base.kind if base.kind is Kind.CONTAINER else Kind.OPAQUE, base.type)
            copy.add(ANY, elements(base, self.part) if base.kind is Kind.CONTAINER else ())
            copy.maybe |= {base} if base.kind is not Kind.CONTAINER else set()
            copy.module = base.module
            return {copy}
        return item(base, key_of(key), self.part)

    def _value_slice(self, node: ast.Slice) -> Value:
        for part in (node.lower, node.upper, node.step):
            self.value(part)
        return NOTHING

    def _value_list(self, node: ast.List) -> Value:
        return self._sequence(node.elts, "list")

    def _value_tuple(self, node: ast.Tuple) -> Value:
        return self._sequence(node.elts, "tuple")

    def _value_set(self, node: ast.Set) -> Value:
        return self._sequence(node.elts, "set")

    def _sequence(self, items: list[ast.expr], kind: str) -> Value:
        made = self.make(Kind.CONTAINER, kind)
        starred = any(isinstance(one, ast.Starred) for one in items)
        for index, one in enumerate(items):
            value = self.value(one)
            made.add(ANY if starred or kind == "set" else str(index), value.nodes)
        return NOTHING if kind == "tuple" and not any(made.parts.values()) else Value(frozenset({made}))

    def _value_starred(self, node: ast.Starred) -> Value:
        return self.each(self.value(node.value), node.lineno)

    def _value_dict(self, node: ast.Dict) -> Value:
        made = self.make(Kind.CONTAINER, "dict")
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                made.add(ANY, self.each(self.value(value), node.lineno).nodes)
            else:
                known = self.value(key)
                made.add(key_of(known), self.value(value).nodes)
                made.add(identity.KEYS, known.nodes) if known.nodes else None
        return Value(frozenset({made}))

    def _value_lambda(self, node: ast.Lambda) -> Value:
        return self.function(node)

    def function(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> Value:
        """A function as it is defined here: defaults are evaluated, the body is not."""
        made = self.make(Kind.FUNCTION)
        for default in (*node.args.defaults, *(one for one in node.args.kw_defaults if one)):
            made.add(".defaults", self.value(default).nodes)
        enclosing = tuple(frame for frame in self.chain if not frame.is_class)
        names = {name: line for name, line in global_names(node).items() if not _in_frames(name, enclosing)}
        made.code = Code(node, enclosing, names, self.record.cell)
        self.reached = set()
        return Value(frozenset({made}))

    def _value_listcomp(self, node: ast.ListComp) -> Value:
        return self._comprehension(node, [node.elt], "list")

    def _value_setcomp(self, node: ast.SetComp) -> Value:
        return self._comprehension(node, [node.elt], "set")

    def _value_dictcomp(self, node: ast.DictComp) -> Value:
        return self._comprehension(node, [node.key, node.value], "dict")

    def _value_generatorexp(self, node: ast.GeneratorExp) -> Value:
        return self._comprehension(node, [node.elt], "iterator")

    def _comprehension(self, node: Comprehension, results: list[ast.expr], kind: str) -> Value:
        made = self.make(Kind.CONTAINER, kind)
        frame = Frame(local=comprehension_targets(node))
        first = self.each(self.value(node.generators[0].iter), node.lineno)
        with self.inside(*self.chain, frame):
            for number, generator in enumerate(node.generators):
                each = first if number == 0 else self.each(self.value(generator.iter), node.lineno)
                self.assign(generator.target, each)
                for test in generator.ifs:
                    self.value(test)
            for result in results:
                made.add(ANY, self.value(result).nodes)
        return Value(frozenset({made}))

    def _value_binop(self, node: ast.BinOp) -> Value:
        left, right = self.value(node.left), self.value(node.right)
        if isinstance(node.op, (ast.Add, ast.Div)) and isinstance(left.const, str) and isinstance(right.const, str):
            return self._joined_text(node.op, left, right)
        name = _BINARY[type(node.op)]
        own = self.dunder(left, name, [right], node.lineno) | self.dunder(right, f"r{name}", [left], node.lineno)
        return Value(own.nodes | self.combined([left, right]).nodes)

    def _joined_text(self, op: ast.operator, left: Value, right: Value) -> Value:
        """Two texts, or a path and a text."""
        if isinstance(op, ast.Add):
            return Value(const=f"{left.const}{right.const}")
        path = f"{left.const}/{right.const}"
        return Value(frozenset({self.make(Kind.OPAQUE, f"path:{path}")}), path)

    def combined(self, values: list[Value]) -> Value:
        """Something new, made of these: ``a + b``."""
        nodes = {node for value in values for node in value.nodes if node.kind is not Kind.INSTANCE}
        if not nodes:
            return NOTHING
        types = [node.type for node in nodes if node.kind is not Kind.MEMBER and node.type]
        made = self.make(
            Kind.OPAQUE if not types or types[0] not in ("list", "tuple", "set", "dict") else Kind.CONTAINER
        )
        made.type = types[0] if types else ""
        made.module = next((node.module for node in nodes if node.module), "")
        for node in nodes:
            if node.kind is Kind.CONTAINER:
                made.add(ANY, elements(node, self.part))
        return Value(frozenset({made}))

    def _value_unaryop(self, node: ast.UnaryOp) -> Value:
        value = self.value(node.operand)
        if isinstance(node.op, ast.Not) or (not value.nodes):
            return (
                Value(const=-value.const) if isinstance(value.const, int) and isinstance(node.op, ast.USub) else NOTHING
            )
        return self.combined([value])

    def _value_boolop(self, node: ast.BoolOp) -> Value:
        result = self.value(node.values[0])
        for one in node.values[1:]:
            before = self.save()
            result |= self.value(one)
            self.meet([before, self.save()])
        return result

    def _value_ifexp(self, node: ast.IfExp) -> Value:
        self.value(node.test)
        before = self.save()
        one = self.value(node.body)
        after = self.save()
        self.restore(before)
        other = self.value(node.orelse)
        self.meet([after, self.save()])
        return one | other

    def _value_compare(self, node: ast.Compare) -> Value:
        self._membership(node)
        values = [self.value(node.left), *(self.value(one) for one in node.comparators)]
        for op, one, other in zip(node.ops, values, values[1:], strict=False):
            identity.note(self.record.identities, identity.asked(op, one, other), node.lineno)
        if identity.asks_for_nan(node, values, lambda one: one.cell != self.record.cell):
            self.record.find(
                Finding("nan_identity", "a NaN that comes from another task is not the same object any more",
                        node.lineno, (), "ask with pandas.isna() or math.isnan()")
            )  # fmt: skip
        arrays = [value for value in values if any(one.type in ("ndarray", "frame", "tensor") for one in value.nodes)]
        return self.combined(arrays)

    def _membership(self, node: ast.Compare) -> None:
        """``"x" in globals()`` asks for ``x``."""
        asked, where = node.left, node.comparators[0]
        if not (isinstance(asked, ast.Constant) and isinstance(asked.value, str) and isinstance(where, ast.Call)):
            return
        if (
            isinstance(where.func, ast.Name)
            and where.func.id in ("globals", "locals", "vars", "dir")
            and not where.args
        ):
            self.forgiving += 1
            self.load_global(asked.value, node.lineno)
            self.forgiving -= 1
            where.func.id = "len"  # answered: nothing else of the namespace is looked at

    def _value_namedexpr(self, node: ast.NamedExpr) -> Value:
        value = self.value(node.value)
        frames = self.chain
        while frames and frames[-1].local is not None and not frames[-1].is_function:
            frames = frames[:-1]
        before, self.chain = self.chain, frames
        self.store(node.target.id, value, node.lineno)
        self.chain = before
        return value

    def _value_joinedstr(self, node: ast.JoinedStr) -> Value:
        values = [self.value(part) for part in node.values]
        texts = [str(value.const) for value in values if value.const is not None]
        return Value(const="".join(texts)) if len(texts) == len(values) else NOTHING

    def _value_formattedvalue(self, node: ast.FormattedValue) -> Value:
        value = self.value(node.value)
        self.value(node.format_spec)
        return Value(const=value.const) if not node.format_spec and node.conversion == -1 else NOTHING

    def _value_await(self, node: ast.Await) -> Value:
        return self.value(node.value)

    def _value_yield(self, node: ast.Yield) -> Value:
        self.yielded(self.value(node.value))
        return NOTHING

    def _value_yieldfrom(self, node: ast.YieldFrom) -> Value:
        self.yielded(self.each(self.value(node.value), node.lineno))
        return NOTHING

    def _value_call(self, node: ast.Call) -> Value:
        return self.call(node)


def key_of(index: Value) -> str:
    """The part that an index names."""
    if isinstance(index.const, str):
        return repr(index.const)
    return str(index.const) if isinstance(index.const, int) and index.const >= 0 else ANY


def _in_frames(name: str, frames: Iterable[Frame]) -> bool:
    return any(name in (frame.local or ()) or name in frame.variables for frame in frames)
