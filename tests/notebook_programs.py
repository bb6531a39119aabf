"""Random notebooks: assignments, aliases, changes in place, functions, classes, branches, loops."""

from __future__ import annotations

import random
import re
from textwrap import indent

NAMES = "abcde"
HOLE = re.compile(r"\{(\w+)\}")
KLASS = """class K:
    def __init__(self, items):
        self.items = items
    def add(self, n):
        self.items.append(n)
        return self
    def __repr__(self):
        return f'K{self.items}'"""
COUNTED = KLASS.replace("class K:", "class K:\n    total = 0").replace(
    "= items\n", "= items\n        K.total += 1\n", 1
)
SHARING = KLASS.replace("class K:", "class K:\n    shared = []").replace(
    "    return self", "    self.shared.append(n)\n        return self"
)
CLOSURE = """def make():
    n = 0
    def inc():
        nonlocal n
        n += 1
        return n
    return inc
cc = make()"""
NM = "try:\n    import nosuchmodule as nm\nexcept ImportError:\n    nm = None\nprint(nm)"
TEMPLATES: tuple[tuple[str, str], ...] = (
    # what the statement makes of {v} ("" for nothing), and the statement
    ("list", "{v} = [{n}, {n}]"),
    ("list", "{v} = [{n}, {n}]"),
    ("dict", "{v} = {'k': {n}}"),
    ("int", "{v} = {n}"),
    ("list", "{v} = {list}"),
    ("dict", "{v} = {dict}"),
    ("nest", "{v} = {nest}"),
    ("int", "{v} = {int}"),
    ("obj", "{v} = {obj}"),
    ("nest", "{v} = [{list}, [{n}]]"),
    ("held", "{v} = {'k': {list}}"),
    ("list", "{v} = list({list})"),
    ("nest", "{v} = {nest}[:]"),
    ("nest", "{v} = [*{nest}]"),
    ("nest", "{v} = {nest}.copy()"),
    ("list", "{v} = {list} + []"),
    ("nest", "{v} = [e for e in {nest}]"),
    ("list", "{v} = {nest}[0]"),
    ("list", "{v} = {held}['k']"),
    ("list", "{v} = {held}.get('k')"),
    ("list", "{v}, *rest = {nest}"),
    ("list", "{v} = next(iter({held}.values()))"),
    ("int", "{v} = len({list})"),
    ("int", "print(({v} := len({list})))"),
    ("list", "{v} = sorted({list}, key=lambda e: -e)"),
    ("list", "{v} = [*map(lambda e: e + 1, {list})]"),
    ("list", "import copy\n{v} = copy.deepcopy({list})"),
    ("nest", "import copy\n{v} = copy.copy({nest})"),
    ("", "{list}.append({n})"),
    ("", "{list} += [{n}]"),
    ("", "{list}[len({list}):] = [{n}]"),
    ("", "{list}.insert(0, {n})"),
    ("", "{nest}[0].append({n})"),
    ("", "for e in {nest}:\n    e.append({n})"),
    ("", "[e.append({n}) for e in {nest}]"),
    ("", "{nest}[0] = [{n}]"),
    ("", "{nest}.append({list})"),
    ("", "{nest}[0] = {list}"),
    ("", "{held}['k'].append({n})"),
    ("", "{held}['z'] = {list}"),
    ("", "{held}.setdefault('m', []).append({n})"),
    ("", "{held}.setdefault('v', {list}).append({n})"),
    ("", "{dict}['k'] = {n}"),
    ("", "{dict}['k'] += 1"),
    ("", "{dict}.update(x={n})"),
    ("", "{dict} |= {'o': {n}}"),
    ("", "{int} += {n}"),
    ("", "print({list})"),
    ("", "print({dict}, {int})"),
    ("", "print({nest})"),
    ("", "print({held}, {list})"),
    ("", "print({int})"),
    ("", "print({obj}.items)"),
    ("f", "def f(x):\n    x.append(1)\n    return x"),
    ("", "import math\nprint(math.pi)"),
    ("f", "def f(x, acc=[]):\n    acc.append(len(x))\n    return acc"),
    ("f", "f = lambda x: x + [{n}]"),
    ("", NM),
    ("f", "def f(x, m={int}):\n    return x + [m]"),
    ("f", "def f(x):\n    return [*x, {int}]"),
    ("g", "def g():\n    {list}.append(7)"),
    ("g", "def g():\n    global {int}\n    {int} = 5"),
    ("g", "def g():\n    return {list}"),
    ("list", "{v} = {f}({list})"),
    ("w", "def w(x):\n    return {f}(x)"),
    ("w", "w = {f}"),
    ("list", "{v} = {w}({list})"),
    ("any", "{v} = {g}()"),
    ("", "{g}()"),
    ("hh", "hh = {'p': lambda: {int}, 'q': lambda v: v}"),
    ("hh", "hh = {'p': lambda: {list}}"),
    ("", "print({hh}['p']())"),
    ("cc", CLOSURE),
    ("int", "{v} = {cc}()"),
    ("", "print({cc}())"),
    ("K", KLASS),
    ("K", COUNTED),
    ("K", SHARING),
    ("obj", "{v} = {K}({list})"),
    ("", "{obj}.add({n})"),
    ("", "{obj}.items.append(3)"),
    ("list", "{v} = {obj}.items"),
    ("", "print({obj}, isinstance({obj}, {K}), getattr({K}, 'total', None), getattr({K}, 'shared', None))"),
    ("it", "it = iter([*{list}, 1, 2, 3, 4, 5, 6])"),
    ("", "print(next({it}, None))"),
    ("", "for e in {it}:\n    break"),
)
ONE_NAME = frozenset({"f", "g", "w", "hh", "cc", "K", "it"})
"""Types whose variable always has the same name."""


class Writer:
    """Writes one notebook; the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._types: dict[str, str] = {}

    def notebook(self) -> list[tuple[str, str]]:
        """Cells as (task or "common", source)."""
        cells: list[tuple[str, str]] = []
        for number in range(self._random.randint(3, 6)):
            mark = f"t{number + 1}"
            chance = self._random.random()
            if cells and chance < 0.15:
                mark = self._random.choice(cells)[0]
            elif chance > 0.9:
                mark = "common"
            lines = [self._statement(0) for _ in range(self._random.randint(1, 4))]
            cells.append((mark, "\n".join(lines)))
        return cells

    def _statement(self, depth: int) -> str:
        chance = self._random.random()
        if depth < 2 and chance < 0.12:
            return self._compound(depth)
        for _ in range(30):
            makes, template = self._random.choice(TEMPLATES)
            if depth and (makes in ONE_NAME or "global" in template):
                continue  # definitions stand at the top
            if (written := self._filled(makes, template)) is not None:
                return written
        return "pass"

    def _filled(self, makes: str, template: str) -> str | None:
        target = self._random.choice(NAMES)
        chosen: dict[str, str] = {"v": target}
        for hole in HOLE.findall(template):
            if hole in ("v", "n"):
                continue
            candidates = [name for name, kind in self._types.items() if kind == hole]
            if not candidates:
                return None
            chosen.setdefault(hole, self._random.choice(candidates))
        if makes:
            self._types[makes if makes in ONE_NAME else target] = makes
        if makes == "K":
            self._types = {name: kind for name, kind in self._types.items() if kind != "obj"}
        return HOLE.sub(lambda hole: chosen.get(hole[1]) or str(self._random.randint(1, 9)), template)

    def _compound(self, depth: int) -> str:
        before = dict(self._types)
        body = indent(self._statement(depth + 1), "    ")
        after, self._types = self._types, dict(before)
        kind = self._random.randrange(4)
        ways = [after]
        if kind == 0:
            body = f"for i in range({self._random.randint(0, 2)}):\n{body}"
        elif kind == 1:
            last = self._random.choice(["1 / 0", "pass"])
            body = f"try:\n{body}\n    {last}\nexcept ZeroDivisionError as error:\n    print('zero')"
        else:
            numbers = [name for name, one in before.items() if one == "int"]
            test = f"{self._random.choice(numbers)} % 2" if numbers else self._random.choice(["True", "False"])
            body = f"if {test}:\n{body}"
            if kind == 3:
                body += f"\nelse:\n{indent(self._statement(depth + 1), '    ')}"
        ways.append(self._types if kind == 3 else before)
        self._types = {name: one for name, one in ways[0].items() if ways[1].get(name) == one}
        return body
