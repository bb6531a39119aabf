"""A call as it is written: its arguments, and those calls that are none (``super()``, ``exec``, ``globals()``)."""

from __future__ import annotations

import ast

from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.notebook.names_calls import Keywords
from fasttrack_jupyter.notebook.names_files import file_use
from fasttrack_jupyter.notebook.names_heap import NOTHING, Kind, Node, Value
from fasttrack_jupyter.notebook.names_library import Libraries
from fasttrack_jupyter.notebook.names_record import Finding
from fasttrack_jupyter.notebook.names_state import method_draw


class Calls(Libraries):
    """Evaluates calls."""

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

    def _special(self, node: ast.Call) -> Value | None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name == "super" and self.chain and not node.args:
            return self._super()
        if name in ("exec", "eval") and name not in self.globals.variables:
            return self._run_text(node, name)
        if name in ("globals", "locals", "vars", "dir") and not node.args and name not in self.globals.variables:
            if name == "globals" or not self.chain:
                self.record.find(
                    Finding("namespace", f"{name}() hands out all names; a task has only those that its cells name",
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
            return self.made("", values)
        if isinstance(text, str):
            try:
                tree = ast.parse(text.strip(), mode="exec")
            except (SyntaxError, ValueError, MemoryError):
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
        return self.made("", values)
