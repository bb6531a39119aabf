"""Which names a cell reads, writes and changes: a table of cells."""

from __future__ import annotations

import pytest

from fasttrack_jupyter.notebook.names import names_of

# source, what it reads from before, what it binds, what of before it changes in place
TABLE: list[tuple[str, str, str, str]] = [
    # assignment
    ("x = 1", "", "x", ""),
    ("x = y", "y", "x", ""),
    ("x = y = z", "z", "x y", ""),
    ("x, y = y, x", "x y", "x y", ""),
    ("(a, *b), c = z", "z", "a b c", ""),
    ("x: int = y", "int y", "x", ""),
    ("x: int", "int", "", ""),
    ("x: 'Later'", "", "", ""),
    ("x = x + 1", "x", "x", ""),
    ("x = 1\ny = x", "", "x y", ""),
    ("print(n := len(z), n)", "z", "n", ""),
    ("_x = 1; __y = _x", "", "_x __y", ""),
    ("ﬁ = 1\nfi", "", "fi", ""),  # NFKC: the ligature is "fi"
    ("변수 = 값", "값", "변수", ""),
    ("match = case", "case", "match", ""),
    ("type = 3; print(type)", "", "type", ""),
    # change in place, by statement
    ("x += 1", "x", "x", "x"),
    ("d['k'] = 1", "d", "", "d"),
    ("d['k'] += 1", "d", "", "d"),
    ("d[k] = v", "d k v", "", "d"),
    ("a.b = 1", "a", "", "a"),
    ("a.b.c = 1", "a", "", "a"),
    ("a[0].b[1] = 1", "a", "", "a"),
    ("a.b += 1", "a", "", "a"),
    ("del d['k']", "d", "", "d"),
    ("del a.b", "a", "", "a"),
    ("for a.b in z: pass", "a z", "", "a"),
    ("for d['k'] in z: pass", "d z", "", "d"),
    ("with o as a.b: pass", "o a", "", "a"),
    ("x[0], y.z = 1, 2", "x y", "", "x y"),
    ("x = []\nx.append(1)", "", "x", ""),
    # change in place, by method
    ("l.append(1)", "l", "", "l"),
    ("l.extend(m)", "l m", "", "l"),
    ("l.sort()", "l", "", "l"),
    ("s.add(1)", "s", "", "s"),
    ("d.update(a=1)", "d", "", "d"),
    ("d.setdefault('k', []).append(1)", "d", "", "d"),
    ("d.pop('k')", "d", "", "d"),
    ("q.appendleft(1)", "q", "", "q"),
    ("b.extend(b'x')", "b", "", "b"),
    ("x = l.copy()\nx.append(1)", "l", "x", ""),
    ("df.drop('a', axis=1, inplace=True)", "df", "", "df"),
    ("df.drop('a', axis=1, inplace=False)", "df", "", ""),
    ("df2 = df.drop('a', axis=1)", "df", "df2", ""),
    ("df2 = df.dropna()\ndf2['x'] = 1", "df", "df2", ""),
    ("df.insert(0, 'a', 1)", "df", "", "df"),
    ("df.loc[df.a > 0, 'b'] = 1", "df", "", "df"),
    ("df['a'].fillna(0, inplace=True)", "df", "", "df"),
    ("df.columns = names", "df names", "", "df"),
    ("df.apply(print)", "df", "", "df"),
    ("y = df.apply(len)", "df", "y", ""),
    ("df.head()", "df", "", ""),
    ("df.groupby('a').mean()", "df", "", ""),
    ("a.sort(); a.fill(0); a.resize(3)", "a", "", "a"),
    ("import numpy as np\nnp.add(a, b, out=c)", "a b c", "np", "c"),
    ("import numpy as np\nnp.fill_diagonal(a, 0)", "a", "np", "a"),
    ("import random\nrandom.shuffle(l)", "l", "random", "l"),
    ("from random import shuffle as mix\nmix(l)", "l", "mix", "l"),
    ("import heapq\nheapq.heappush(h, 1)", "h", "heapq", "h"),
    ("from bisect import insort\ninsort(l, 1)", "l", "insort", "l"),
    ("setattr(o, 'a', 1)", "o", "", "o"),
    ("x = next(it)", "it", "x", "it"),
    ("model.fit(X, y)", "model X y", "", "model"),
    ("m = model.fit(X)\nm.w = 1", "model X", "m", "model"),
    ("p = model.predict(X)", "model X", "p", ""),
    ("X2 = scaler.fit_transform(X)", "scaler X", "X2", "scaler"),
    ("model.load_state_dict(s); model.eval()", "model s", "", "model"),
    ("opt.zero_grad(); loss.backward(); opt.step()", "opt loss", "", "opt loss"),
    ("t.add_(1)", "t", "", "t"),
    ("model.compile('adam')", "model", "", "model"),
    ("model.to(device)", "model device", "", "model"),
    ("t = t.to(device)", "t device", "t", ""),
    ("f(df)", "f df", "", ""),
    ("f(*a, **k)", "f a k", "", ""),
    # aliases
    ("b = a\nb.append(1)", "a", "b", "a"),
    ("b = a\nb = []\nb.append(1)", "a", "b", ""),
    ("b, c = a, a\nc.append(1)", "a", "b c", "a"),
    ("b = [a]\nb[0].append(1)", "a", "b", "a"),
    ("b = [a]\nb.append(1)", "a", "b", ""),
    ("b = {'k': a}\nb['k']['x'] = 1", "a", "b", "a"),
    ("b = {'k': a, 'm': c}\nb['m'].append(1)", "a c", "b", "c"),
    ("b = a if q else c\nb.append(1)", "a c q", "b", "a c"),
    ("b = a or c\nb.append(1)", "a c", "b", "a c"),
    ("for x in a: x.append(1)", "a", "x", "a"),
    ("[x.append(1) for x in a]", "a", "", "a"),
    ("for i, x in enumerate(a): x.append(i)", "a", "i x", "a"),
    ("for x, y in zip(a, b): y.append(x)", "a b", "x y", "a b"),
    ("for k, v in d.items(): v.append(1)", "d", "k v", "d"),
    ("b = list(a)\nb.append(1)", "a", "b", ""),
    ("b = list(a)\nb[0].append(1)", "a", "b", "a"),
    ("b = a[:]\nb.append(1)", "a", "b", ""),
    ("import copy\nb = copy.deepcopy([a])\nb[0].append(1)", "a", "copy b", ""),
    ("import copy\nb = copy.copy([a])\nb[0].append(1)", "a", "copy b", "a"),
    ("b = a.items_\nb.append(1)", "a", "b", "a"),
    ("f = a.append\nf(1)", "a", "f", "a"),
    ("with a as b: b.append(1)", "a", "b", "a"),
    ("import numpy as np\nb = np.zeros(3)\nc = b[0:2]\nc[0] = 1\nb", "", "np b c", ""),
    ("(b := a).append(1)", "a", "b", "a"),
    # functions
    ("def f(): return k", "", "f", ""),
    ("def f(): return k\nf()", "k", "f", ""),
    ("f = lambda: k\nf()", "k", "f", ""),
    ("def f(x=k): return x", "k", "f", ""),
    ("def f(x: T) -> U: pass", "T U", "f", ""),
    ("@deco\ndef f(): pass", "deco", "f", ""),
    ("def f(x): x.append(1)\nf(a)", "a", "f", "a"),
    ("def f(x): x = []; x.append(1)\nf(a)", "a", "f", ""),
    ("def f(x): return x\nf(a).append(1)", "a", "f", "a"),
    ("def f(): memo['k'] = 1\nf()", "memo", "f", "memo"),
    ("def f():\n    global n\n    n = 1", "", "f", ""),
    ("def f():\n    global n\n    n = 1\nf()", "n", "f n", ""),
    ("def f():\n    global n\n    n += 1\nf()", "n", "f n", "n"),
    ("def f():\n    a = 1\n    def g():\n        nonlocal a\n        a = b\n    g()\nf()", "b", "f", ""),
    ("def f(): return g()\ndef g(): return k\nf()", "k", "f g", ""),
    ("def f(n): return f(n - 1) if n else k\nf(3)", "k", "f", ""),
    ("def g():\n    yield k\nlist(g())", "k", "g", ""),
    ("import functools\nh = functools.partial(print, a)\nh()", "a", "functools h", ""),
    ("list(map(lambda x: x.append(1), a))", "a", "", "a"),
    ("sorted(a, key=lambda e: w[e])", "a w", "", ""),
    ("async def f(): return await g()\nx = await f()", "g", "f x", ""),
    ("async for x in s: y = x", "s", "x y", ""),
    ("async with c as d: pass", "c", "d", ""),
    ("k = 1\ndef f(): return k\nf()", "", "k f", ""),
    ("def f(a, /, b, *c, d=e, **g): return a, b, c, d, g", "e", "f", ""),
    # classes
    ("class A(B, metaclass=M):\n    x = y", "B M y", "A", ""),
    ("class A:\n    x = 1\n    def m(self): return x", "", "A", ""),
    ("class A:\n    def m(self): return k\nA().m()", "k", "A", ""),
    ("class A:\n    def __init__(self, v): self.v = v\n    def add(self): self.v.append(1)\nA(a).add()", "a", "A", "a"),
    ("class A:\n    @property\n    def p(self): return k\nA().p", "k", "A", ""),
    ("class A:\n    @staticmethod\n    def s(x): x.append(1)\nA.s(a)", "a", "A", "a"),
    (
        "class A:\n    def __enter__(self): return a\n    def __exit__(self, *e): pass\nwith A() as b: b.append(1)",
        "a",
        "A b",
        "a",
    ),
    ("class A:\n    def __call__(self, x): x.append(1)\nA()(a)", "a", "A", "a"),
    (
        "class A:\n    def go(self): self.end()\n    def end(self): a.append(1)\nclass B(A): pass\nB().go()",
        "a",
        "A B",
        "a",
    ),
    ("class A:\n    def go(self): a.append(1)\nclass B(A):\n    def go(self): super().go()\nB().go()", "a", "A B", "a"),
    # scopes
    ("[x for x in a if x in b]", "a b", "", ""),
    ("{k: v for k, v in d.items()}", "d", "", ""),
    ("[[y for y in x] for x in a]", "a", "", ""),
    ("x = 1\n[x for x in a]", "a", "x", ""),
    ("[z for x in a if (z := x)]", "a", "z", ""),
    ("lambda x: x + y", "", "", ""),
    ("(lambda x: x + y)(1)", "y", "", ""),
    ("len = 3\nprint(len)", "", "len", ""),
    ("print(__name__, __file__)", "", "", ""),
    ("f'{a:{w}} {b!r}'", "a b w", "", ""),
    # ways
    ("if q: x = 1", "q", "x", ""),
    ("if q: x = 1\nprint(x)", "q x", "x", ""),
    ("if q: x = 1\nelse: x = 2\nprint(x)", "q", "x", ""),
    ("for i in a: t = i\nprint(t)", "a t", "i t", ""),
    ("while True:\n    x = 1\n    break\nx", "", "x", ""),
    ("while q: x = 1", "q", "x", ""),
    ("if q: raise ValueError\nelse: x = 1\nx", "q", "x", ""),
    ("try:\n    import u\nexcept ImportError:\n    u = None\nu", "", "u", ""),
    ("try: x = f()\nexcept E as e: print(e)\nx", "f E x", "x", ""),
    ("try: x = f()\nexcept E: raise\nx", "f E", "x", ""),
    ("try: pass\nfinally: x = 1\nx", "", "x", ""),
    ("match v:\n    case {'a': n, **r}: pass\n    case [x, *y]: pass", "v", "n r x y", ""),
    ("match v:\n    case C(a=1) | K.z: q = 1\n    case _: q = 2\nq", "v C K", "q", ""),
    ("match v:\n    case [x]: x.append(1)", "v", "x", "v"),
    # deletion
    ("del x", "x", "", ""),
    ("x = 1\ndel x", "", "x", ""),
    ("x = 1\ndel x\nprint(x)", "x", "x", ""),
    # imports
    ("import os.path", "", "os", ""),
    ("import os.path as p", "", "p", ""),
    ("from a import b as c, d", "", "c d", ""),
    ("from __future__ import annotations", "", "", ""),
    ("from math import *\nprint(pi, tau)", "", None, ""),  # type: ignore[list-item]
    # code in texts
    ("exec('x = y')", "y", "x", ""),
    ("z = eval('x + 1')", "x", "z", ""),
    ("globals()['x'] = y", "y", "x", ""),
    ("if 'x' not in globals(): x = 1", "x", "x", ""),
    ("try: x\nexcept NameError: x = 1", "x", "x", ""),
]


@pytest.mark.parametrize(("source", "reads", "writes", "mutates"), TABLE, ids=[row[0] for row in TABLE])
def test_a_cell_reads_writes_and_changes(source: str, reads: str, writes: str | None, mutates: str) -> None:
    """One row of the table."""
    names = names_of(source)
    builtin = {"int"}
    assert set(names.reads) == set(reads.split()) - builtin
    if writes is not None:
        assert set(names.writes) == set(writes.split())
    assert set(names.mutates) == set(mutates.split())


def test_the_table_is_as_long_as_was_promised() -> None:
    """At least 120 cells."""
    assert len(TABLE) >= 120


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("exec(text)", "hidden_code"),
        ("eval(text)", "hidden_code"),
        ("x = globals()", "namespace"),
        ("print(locals())", "namespace"),
        ("print(Out[3])", "output_history"),
        ("_3 + 1", "output_history"),
        ("_", "output_history"),
    ],
)
def test_what_cannot_be_decided_is_said(source: str, code: str) -> None:
    """By a finding with the line."""
    found = names_of("pass\n" + source).undecided
    assert [(finding.code, finding.line) for finding in found] == [(code, 2)]


@pytest.mark.parametrize("source", ["def f(): return locals()\nf()", "_ = f()\n_", "for _ in a: print(_)", "vars(o)"])
def test_what_only_looks_undecided_is_not_said(source: str) -> None:
    """A function's own ``locals()``, a ``_`` that the cell binds."""
    assert names_of(source).undecided == ()


def test_a_syntax_error_has_the_cells_own_line() -> None:
    """It is raised as Python raises it."""
    with pytest.raises(SyntaxError) as caught:
        names_of("x = 1\ny = = 2")
    assert caught.value.lineno == 2


@pytest.mark.parametrize(
    ("source", "state", "use"),
    [
        ("import random\nrandom.seed(1)", "random", "seed"),
        ("import numpy as np\nnp.random.seed(1)", "numpy.random", "seed"),
        ("import numpy as np\nnp.random.rand(3)", "numpy.random", "draw"),
        ("import torch\ntorch.manual_seed(1)", "torch", "seed"),
        ("import os\nos.environ['A'] = 'b'", "environment variables", "set"),
        ("import os\nos.environ.update(A='b')", "environment variables", "set"),
        ("import os\nos.chdir('x')", "the working folder", "set"),
        ("import sys\nsys.path.append('x')", "the interpreter's settings (sys)", "set"),
        ("import warnings\nwarnings.filterwarnings('error')", "warning filters", "set"),
        ("import pandas as pd\npd.options.display.max_rows = 5", "pandas options", "set"),
        ("import pandas as pd\npd.set_option('a', 1)", "pandas options", "set"),
        ("import matplotlib.pyplot as plt\nplt.rcParams['a'] = 1", "matplotlib's settings", "set"),
        ("import matplotlib.pyplot as plt\nplt.style.use('x')", "matplotlib's settings", "set"),
        ("import config\nconfig.DEBUG = True", "what config keeps", "set"),
        ("from sklearn.model_selection import train_test_split\ntrain_test_split(x)", "numpy.random", "draw"),
    ],
)
def test_what_belongs_to_the_process_is_noted(source: str, state: str, use: str) -> None:
    """Seeds, draws, options, the environment."""
    assert [(one.label, one.use) for one in names_of(source).states] == [(state, use)]


@pytest.mark.parametrize(
    "source",
    [
        "import numpy as np\nrng = np.random.default_rng(0)\nrng.normal()",
        "from sklearn.model_selection import train_test_split\ntrain_test_split(x, random_state=1)",
        "import random\nr = random.Random(1)\nr.random()",
        "import os\nprint(os.environ['A'])",
    ],
)
def test_a_generator_of_ones_own_is_no_state_of_the_process(source: str) -> None:
    """Nor is reading."""
    assert names_of(source).states == ()


def test_a_definition_says_where_it_stands_and_what_it_needs() -> None:
    """Its decorators are part of it."""
    names = names_of("x = 1\n@deco\ndef f(a):\n    return a + k + g()\n")
    assert (names.definitions["f"].first, names.definitions["f"].last) == (2, 4)
    assert names.definitions["f"].needs == ("g", "k")
