"""Walks through a cell's statements as Python would run them, without running them.

Each branch is walked; where ways meet, a name means what it may mean on any of them. Loops are walked twice, for
what one round leaves to the next.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import replace

from fasttrack_jupyter.notebook import names_identity as identity
from fasttrack_jupyter.notebook.ipython_syntax import is_text
from fasttrack_jupyter.notebook.names_core import Saved
from fasttrack_jupyter.notebook.names_define import Definitions, defined_by
from fasttrack_jupyter.notebook.names_heap import ANY, NOTHING, Kind, Node, Value, elements, item, reach
from fasttrack_jupyter.notebook.names_record import Change, Record, Site
from fasttrack_jupyter.notebook.names_tables import PLAIN_TYPES
from fasttrack_jupyter.notebook.names_values import key_of

_QUIET = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign,
          ast.AugAssign, ast.Pass, ast.Delete, ast.TypeAlias if hasattr(ast, "TypeAlias") else ast.Pass)  # fmt: skip
_MISSING = frozenset({"NameError", "UnboundLocalError", "Exception", "BaseException"})


class Interpreter(Definitions):
    """Walks through cells, in order."""

    def cell(self, number: int, tree: ast.Module) -> Record:
        """Walk through one cell."""
        record = self.begin(number)
        self.defined: list[tuple[Site, set[Node]]] = []
        before = dict(self.globals.variables)
        for statement in tree.body:
            self._top(statement)
        for name, line in record.writes.items():
            variable = self.globals.variables.get(name)
            if variable and not variable.own and name in before and not before[name].deleted:
                record.kept.setdefault(name, line)
        for site, known in self.defined:
            site.changed = self._changed_after(site, known)
        return record

    def _changed_after(self, site: Site, known: set[Node]) -> Change | None:
        """What happens to what a statement defines after it, in the same cell: ``f.calls = 0``, ``A.count += 1``."""
        variables = self.globals.variables
        own = [variables[name] for name in site.names if name in variables]
        given = [variables[name] for name in site.loads if name in variables and variables[name].definition is None]
        nodes = reach(node for one in own for node in one.value.nodes if node.kind is not Kind.MEMBER)
        nodes -= reach(node for one in given for node in one.value.nodes)
        changes = [self.record.mutations[node] for node in nodes & self.record.mutations.keys() - known]
        return min((one for one in changes if not one.doubtful), key=lambda one: one.line, default=None)

    def _top(self, statement: ast.stmt) -> None:
        names = defined_by(statement)
        quiet = isinstance(statement, _QUIET) or names or is_text(statement)
        self.record.effects = self.record.effects or not quiet
        if not names:
            self.statement(statement)
            return
        site = Site(self.record.cell, tuple(names), first_line(statement), statement.end_lineno or statement.lineno)
        site.is_import = isinstance(statement, (ast.Import, ast.ImportFrom))
        self.loads.append(site.loads)
        known, states = set(self.record.mutations), len(self.record.states)
        self.statement(statement)
        self.loads.pop()
        self.reached = set()
        changed = [self.record.mutations[node].how for node in set(self.record.mutations) - known]
        site.effects = changed[0] if changed else ""
        if not site.effects and len(self.record.states) > states:
            site.effects = self.record.states[-1].label
        self.defined.append((site, set(self.record.mutations)))
        self.record.sites.append(len(self.sites))
        self.sites.append(site)
        for name in names:
            if variable := self.globals.variables.get(name):
                self.globals.variables[name] = replace(variable, definition=len(self.sites) - 1)
                for node in variable.value.nodes:
                    if node.kind in (Kind.FUNCTION, Kind.CLASS) or node.type == "class":
                        node.attribute = node.attribute or name

    # --- statements

    def block(self, statements: list[ast.stmt]) -> bool:
        """Run statements; True where the way ends in them (``return``, ``raise``)."""
        ends = [self.statement(statement) for statement in statements]
        return any(ends)

    def statement(self, node: ast.stmt) -> bool:
        """Run one statement; True where the way ends in it."""
        self.steps += 1
        handler: Callable[[ast.stmt], bool | None] | None = getattr(self, f"_do_{type(node).__name__.lower()}", None)
        if handler is not None:
            return bool(handler(node))
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.value(child)
        return False

    def _do_expr(self, node: ast.Expr) -> None:
        before, self.discarded = self.discarded, node.value
        self.value(node.value)
        self.discarded = before

    def _do_return(self, node: ast.Return) -> bool:
        value = self.value(node.value)
        if self.returned:
            self.returned[-1].append(value)
        return True

    def _do_raise(self, node: ast.Raise) -> bool:
        self.value(node.exc)
        self.value(node.cause)
        return True

    def _do_assign(self, node: ast.Assign) -> None:
        pairs = _pairs(node)
        if pairs:
            values = [self.value(value) for _, value in pairs]
            for (target, _), value in zip(pairs, values, strict=True):
                self.assign(target, value)
            return
        value = self.value(node.value)
        for target in node.targets:
            self.assign(target, value)

    def _do_annassign(self, node: ast.AnnAssign) -> None:
        if not self.chain or self.chain[-1].is_class:
            self.value(node.annotation)
        if node.value is not None:
            self.assign(node.target, self.value(node.value))

    def _do_augassign(self, node: ast.AugAssign) -> None:
        target = node.target
        old = self.value(ast.copy_location(_loaded(target), target))
        given = self.value(node.value)
        self.dunder(old, "iadd", [given], node.lineno)
        changed = {one for one in old.nodes if one.type != "number"}
        doubtful = {
            one for one in changed if one.kind is Kind.OPAQUE and one.type not in ("ndarray", "frame", "tensor")
        }
        how = f"{ast.unparse(target)} {_OPERATORS[type(node.op)]}= …"
        self.mutate(doubtful, node.lineno, how, doubtful=True)
        self.mutate(changed - doubtful, node.lineno, how)
        for one in changed - doubtful:
            if one.kind is Kind.CONTAINER:
                one.add(ANY, {part for more in given.nodes for part in elements(more, self.part)})
        self.assign(target, old if old.nodes else self.combined([old, given]))

    def assign(self, target: ast.expr, value: Value) -> None:
        """Bind a target."""
        match target:
            case ast.Name(id=name):
                self.store(name, value, target.lineno)
            case ast.Starred(value=inner):
                held = self.make(Kind.CONTAINER, "list")
                held.add(ANY, {part for node in value.nodes for part in elements(node, self.part)})
                self.assign(inner, Value(frozenset({held})))
            case ast.Tuple(elts=targets) | ast.List(elts=targets):
                self._unpack(targets, value)
            case ast.Attribute():
                self._set_attribute(target, value)
            case ast.Subscript():
                self._set_item(target, value)

    def _unpack(self, targets: list[ast.expr], value: Value) -> None:
        self.consume(value, targets[0].lineno if targets else 0)
        starred = any(isinstance(target, ast.Starred) for target in targets)
        for index, target in enumerate(targets):
            if isinstance(target, ast.Starred):
                self.assign(target, value)
                continue
            found: set[Node] = set()
            for node in value.nodes:
                found |= self._position(node, ANY if starred else str(index))
            self.assign(target, Value(frozenset(found)))

    def _position(self, node: Node, key: str) -> set[Node]:
        if node.type in ("ndarray", "tensor", "figure"):
            return {node}
        found = item(node, key, self.part)
        if node.kind is Kind.OPAQUE and node.maybe and key != ANY:
            for part in found:
                part.maybe |= node.maybe
        return found

    def _set_attribute(self, target: ast.Attribute, value: Value) -> None:
        base, how = self.value(target.value), f"{ast.unparse(target)} = …"
        for node in base.nodes:
            if node.kind is Kind.MEMBER:
                node = self.member(f"{node.type}.{target.attr}")
            elif node.type not in PLAIN_TYPES:
                node.add(f".{target.attr}", value.nodes)
            self.mutate({node}, target.lineno, how)
            self._property_set(node, target.attr, value, target.lineno)

    def _property_set(self, node: Node, name: str, value: Value, line: int) -> None:
        if node.kind is Kind.INSTANCE and node.klass:
            for setter in node.klass.parts.get(f".{name}=", ()):
                self.invoke(self.bound(setter, node), [value], {}, line)

    def _set_item(self, target: ast.Subscript, value: Value) -> None:
        text = self._namespace_of(target)
        if text is not None:
            self.store_global(text, value, target.lineno)
            return
        base, index = self.value(target.value), self.value(target.slice)
        if index.nodes:
            for node in base.nodes:
                node.add(identity.KEYS, index.nodes) if node.kind is Kind.CONTAINER else None
        self.dunder(base, "setitem", [index, value], target.lineno)
        for node in base.nodes:
            if node.kind is Kind.OPAQUE:
                node.maybe |= set() if node.type in PLAIN_TYPES else value.nodes - {node}
            elif node.kind is not Kind.MEMBER:
                node.add(key_of(index), value.nodes)
        self.mutate(base.nodes, target.lineno, f"{ast.unparse(target)} = …")

    def _namespace_of(self, target: ast.Subscript) -> str | None:
        """``globals()["x"] = …`` binds ``x``."""
        call, key = target.value, target.slice
        is_globals = isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "globals"
        return key.value if is_globals and isinstance(key, ast.Constant) and isinstance(key.value, str) else None

    def _do_delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            for one in target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]:
                if isinstance(one, ast.Name):
                    self.delete(one.id, one.lineno)
                elif isinstance(one, (ast.Subscript, ast.Attribute)):
                    base = self.value(one.value)
                    self.dunder(base, "delitem", [NOTHING], one.lineno)
                    self.mutate(base.nodes, one.lineno, f"del {ast.unparse(one)}")

    # --- ways that part

    def _do_if(self, node: ast.If) -> bool:
        self.value(node.test)
        return self._ways([lambda: self.block(node.body), lambda: self.block(node.orelse)])

    def _ways(self, ways: list[Callable[[], bool]], *, also_before: bool = False) -> bool:
        """Walk each way from here; go on where they meet. True where none goes on."""
        before = self.save()
        ends: list[Saved] = [before] if also_before else []
        last: list[Saved] = []
        for way in ways:
            self.restore(before)
            ended = way()
            last = [self.save()]
            ends += [] if ended else last
        self.meet(ends or last)
        return not ends

    def _rounds(self, node: ast.stmt) -> Iterator[int]:
        yield 1
        if not self.is_spent(node.lineno):
            yield 2

    def _do_for(self, node: ast.For | ast.AsyncFor) -> None:
        over = self.value(node.iter)
        before = self.save()
        for _ in self._rounds(node):
            self.assign(node.target, self.each(over, node.lineno))
            self.block(node.body)
        self.meet([before, self.save()])
        self.block(node.orelse)

    _do_asyncfor = _do_for

    def _do_while(self, node: ast.While) -> None:
        forever = isinstance(node.test, ast.Constant) and bool(node.test.value)
        self.value(node.test)
        before = self.save()
        for _ in self._rounds(node):
            self.block(node.body)
            self.value(node.test)
        self.meet([self.save()] if forever else [before, self.save()])
        self.block(node.orelse)

    def _do_with(self, node: ast.With | ast.AsyncWith) -> bool:
        for entry in node.items:
            value = self.value(entry.context_expr)
            entered = self.dunder(value, "enter", [], node.lineno)
            if entry.optional_vars is not None:
                self.assign(entry.optional_vars, entered if entered.nodes else value)
        return self.block(node.body)

    _do_asyncwith = _do_with

    def _do_try(self, node: ast.Try) -> bool:
        forgives = any(_catches_missing(handler) for handler in node.handlers)
        before = self.save()
        self.forgiving += forgives
        ended = self.block(node.body)
        self.forgiving -= forgives
        somewhere = self.save()
        ended = self.block(node.orelse) or ended
        ends: list[Saved] = [] if ended else [self.save()]
        for handler in node.handlers:
            self.meet([before, somewhere])
            if not self._handle(handler):
                ends.append(self.save())
        self.meet(ends or [somewhere])
        return self.block(node.finalbody) or not ends

    _do_trystar = _do_try

    def _handle(self, handler: ast.ExceptHandler) -> bool:
        self.value(handler.type)
        if handler.name:
            self.store(handler.name, NOTHING, handler.lineno)
        ended = self.block(handler.body)
        if handler.name:  # deleted by Python when the handler is left
            frame = self.chain[-1] if self.chain else self.globals
            frame.variables.pop(handler.name, None)
            if not self.chain:
                self.record.writes.pop(handler.name, None)
        return ended

    def _do_match(self, node: ast.Match) -> bool:
        subject = self.value(node.subject)
        ways: list[Callable[[], bool]] = []
        for case in node.cases:
            ways.append(lambda case=case: self._case(case, subject))  # type: ignore[misc]
        complete = any(_is_wildcard(case) for case in node.cases)
        return self._ways(ways, also_before=not complete)

    def _case(self, case: ast.match_case, subject: Value) -> bool:
        inside = {part for node in subject.nodes for part in elements(node, self.part)} | subject.nodes
        for pattern in ast.walk(case.pattern):
            match pattern:
                case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                    self.store(name, Value(frozenset(inside)), pattern.lineno)
                case ast.MatchValue(value=value):
                    self.value(value)
                case ast.MatchClass(cls=klass):
                    self.value(klass)
        if case.guard is not None:
            self.value(case.guard)
        return self.block(case.body)


_OPERATORS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.LShift: "<<", ast.RShift: ">>", ast.BitOr: "|", ast.BitXor: "^", ast.BitAnd: "&", ast.MatMult: "@",
}  # fmt: skip


def first_line(statement: ast.stmt) -> int:
    """A statement's first line, decorators included."""
    decorators: list[ast.expr] = getattr(statement, "decorator_list", [])
    return min([statement.lineno, *(decorator.lineno for decorator in decorators)])


def _pairs(node: ast.Assign) -> list[tuple[ast.expr, ast.expr]] | None:
    """``a, b = c, d`` as pairs."""
    target, value = node.targets[0], node.value
    if len(node.targets) != 1 or not isinstance(target, (ast.Tuple, ast.List)):
        return None
    if not isinstance(value, (ast.Tuple, ast.List)) or len(value.elts) != len(target.elts):
        return None
    if any(isinstance(one, ast.Starred) for one in (*target.elts, *value.elts)):
        return None
    return list(zip(target.elts, value.elts, strict=True))


def _loaded(target: ast.expr) -> ast.expr:
    """The target of ``x[k] += 1`` as an expression."""
    match target:
        case ast.Name(id=name):
            return ast.Name(name, ast.Load())
        case ast.Attribute(value=value, attr=attr):
            return ast.Attribute(value, attr, ast.Load())
        case ast.Subscript(value=value, slice=index):
            return ast.Subscript(value, index, ast.Load())
    return target


def _catches_missing(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    return any(isinstance(node, ast.Name) and node.id in _MISSING for node in ast.walk(handler.type))


def _is_wildcard(case: ast.match_case) -> bool:
    return case.guard is None and isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None
