"""What hides from a quick look: state in definitions and in the process, identity of objects, views, lazy iterators."""

from __future__ import annotations

from textwrap import dedent

import pytest
from notebook_splitting import split

from fasttrack_jupyter.notebook.flow import flow_of

NODE = "class Node: pass\na, b = Node(), Node()\n"
COUNTED = "class P:\n    n = 0\n    def __init__(self):\n        P.n += 1\n"
META = """class Meta(type):
    known = []
    def __new__(m, *a):
        c = super().__new__(m, *a)
        m.known.append(c)
        return c
class A(metaclass=Meta): pass"""
CACHED = "from functools import lru_cache\n@lru_cache(maxsize=None)\n"

# cells, each a task; then the code of the only problem, its severity, and words of its text
SAID: dict[str, tuple[list[str], str, str, list[str]]] = {
    "class counts in its own cell": (
        [COUNTED + "a = P()", "b = P()\nprint(P.n)"],
        "stateful_definition", "error", ["'P'", "cell 1, line 4", "P.n = …", "cell 2, line 1"],
    ),
    "method put on a class in its own cell": (
        ["class M:\n    def f(self): return 1\ndef g(self): return 2\nM.f = g", "print(M().f())"],
        "stateful_definition", "error", ["'M'", "cell 1, line 4"],
    ),
    "attribute of a function": (
        ["def f():\n    return f.calls\nf.calls = 3", "print(f())"], "stateful_definition", "error", ["f.calls = …"],
    ),
    "default called before": (
        ["def add(x, to=[]):\n    to.append(x)\n    return to\nadd(1)", "print(add(2))"],
        "stateful_definition", "error", ["'add'"],
    ),
    "pandas options, a frame shown": (
        ["import pandas as pd\npd.set_option('display.max_rows', 4)\ndf = pd.DataFrame({'a': range(9)})", "print(df)"],
        "process_state", "warning", ["pandas options", "cell 1, line 2", "cell 2"],
    ),
    "numpy's settings, an array shown": (
        ["import numpy as np\nnp.set_printoptions(precision=2)\nx = np.ones(3) / 3", "y = x * 2\nprint(y)"],
        "process_state", "warning", ["numpy"],
    ),
    "decimal context": (
        ["from decimal import Decimal, getcontext\ngetcontext().prec = 5", "print(Decimal(1) / 3)"],
        "process_state", "warning", ["the decimal context"],
    ),
    "a logger's level": (
        ["import logging\nlog = logging.getLogger('a')\nlog.setLevel(10)", "log.info('x')"],
        "process_state", "warning", ["logging", "cell 1, line 3"],
    ),
    "warnings are errors": (
        ["import warnings\nwarnings.filterwarnings('error')", "print(int('1'))"],
        "process_state", "warning", ["warning filters"],
    ),
    "a sentinel": (
        ["MISSING = object()\nd = {'a': MISSING}", "print(d['a'] is MISSING)"],
        "shared_identity", "warning", ["'MISSING'", "'d'", "cell 2, line 1"],
    ),
    "in a set of objects": (
        [NODE + "nodes = [a, b]", "visited = {nodes[0]}", "print([n in visited for n in nodes])"],
        "shared_identity", "warning", ["'nodes'", "'visited'", "cell 3, line 1"],
    ),
    "a dict by objects": (
        [NODE + "nodes = [a, b]\ncost = {n: 1 for n in nodes}", "print([cost.get(n) for n in nodes])"],
        "shared_identity", "warning", ["'cost'", "'nodes'"],
    ),
    "a dict by objects, filled": (
        [NODE + "nodes = [a, b]\ncost = {}\nfor n in nodes: cost[n] = 1", "print([cost[n] for n in nodes])"],
        "shared_identity", "warning", ["'cost'", "'nodes'"],
    ),
    "index of an object": (
        [NODE + "row = [a, b]", "print(row.index(b))"], "shared_identity", "warning", ["'b'", "'row'"],
    ),
    "equal to itself alone": ([NODE + "pair = (a, 1)", "print(pair[0] == a)"], "shared_identity", "warning", ["'a'"]),
    "is nan": (
        ["import numpy as np\nrows = [1, np.nan]", "print([one is np.nan for one in rows])"],
        "nan_identity", "warning", ["NaN"],
    ),
    "nan in rows": (
        ["import numpy as np\nrows = [1, np.nan]", "print(np.nan in rows)"], "nan_identity", "warning", ["NaN"],
    ),
    "a view of a dict": (
        ["d = {'a': 1}\nnames = d.keys()", "d['b'] = 2", "print(list(names))"],
        "shared_object", "error", ["'d'", "'names'"],
    ),
    "a cached function that acts": (
        [CACHED + "def f(x):\n    print('once')\n    return x", "f(1)", "f(1)"],
        "stateful_definition", "error", ["'f'", "cell 2, line 1"],
    ),
    "a cached function and a variable that changes": (
        [CACHED + "def f(x): return x + rows[0]", "rows = [1]\nf(1)", "rows[0] = 2", "f(1)"],
        "remembered", "warning", ["'rows'", "cell 4, line 1"],
    ),
    "what a cache says": (
        [CACHED + "def f(x): return x", "f(1)", "print(f.cache_info())"], "remembered", "warning", ["cache_info()"],
    ),
    "a metaclass that registers": (
        [
            META,
            "print(Meta.known)",
        ],
        "stateful_definition", "error", ["'Meta'", "cell 1"],
    ),
    "an abstract class that registers": (
        ["from abc import ABC\nclass A(ABC): pass\nA.register(list)", "print(isinstance([], A))"],
        "stateful_definition", "error", ["'A'", "cell 1, line 3"],
    ),
    "files found by a pattern": (
        ["for i in range(3):\n    open(f'p{i}.txt', 'w').write('x')", "import glob\nprint(glob.glob('p*.txt'))"],
        "file_between_tasks", "warning", ["'p*.txt'", "cell 1", "cell 2, line 2"],
    ),
    "files of a folder": (
        [
            "from pathlib import Path\nout = Path('out')\n(out / 'a.txt').write_text('x')",
            "print([one.name for one in out.iterdir()])",
        ],
        "file_between_tasks", "warning", ["'out'", "cell 1", "cell 2, line 1"],
    ),
    "whether a folder is there": (
        ["import os\nos.makedirs('out')", "print(os.path.isdir('out'))"],
        "file_between_tasks", "warning", ["'out'", "cell 1"],
    ),
    "all files": (
        ["import os\nnp = 3\nwith open('a.txt', 'w') as f: pass", "print(os.listdir())"],
        "file_between_tasks", "warning", ["cell 1", "cell 2, line 1"],
    ),
    "single dispatch": (
        [
            "from functools import singledispatch\n@singledispatch\ndef f(x): return 0",
            "@f.register\ndef _(x: int): return 1",
            "print(f(1))",
        ],
        "stateful_definition", "error", ["'f'", "cell 2, line 2"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SAID)
def test_what_would_differ_is_said_once(name: str) -> None:
    """One problem, with the variable and the cell."""
    sources, code, severity, words = SAID[name]
    problems = flow_of(split(*sources)).problems
    assert [(problem.code, str(problem.severity)) for problem in problems] == [(code, severity)]
    assert [word for word in words if word not in problems[0].message] == []


QUIET: dict[str, list[str]] = {
    "another file": ["open('a.txt', 'w').write('x')", "import os\nprint(os.path.exists('b.txt'), open('c.txt'))"],
    "an absolute path": ["for i in '12': open(f'{i}.txt', 'w')", "import os\nprint(os.path.exists('/etc/passwd'))"],
    "a file that fails loudly": ["for i in '12': open(f'{i}.txt', 'w')", "print(open('1.txt').read())"],
    "a cached function that computes": [
        CACHED + "def fib(n): return n if n < 2 else fib(n - 1) + fib(n - 2)\nprint(fib(9))",
        "print(fib(10))",
    ],
    "warnings left out": ["import warnings\nwarnings.filterwarnings('ignore')", "print(1)"],
    "matplotlib's settings, a frame": [
        "import matplotlib.pyplot as plt\nimport pandas as pd\nplt.rcParams['font.size'] = 3\ndf = pd.DataFrame()",
        "print(df.shape)",
    ],
    "constants of modules": ["import numpy as np, pandas as pd\npi = np.pi\nna, sin = pd.NA, np.sin", "sin(pi), na"],
    "a sentinel by one variable": [
        "M = object()\ndef get(d, k):\n    v = d.get(k, M)\n    return v is M",
        "get({}, 1)",
    ],
    "is None": ["x = [None]\ny = x[0]", "print(y is None, x[0] is None)"],
    "enums": ["from enum import Enum\nclass E(Enum):\n    A = 1\nx = E.A\nd = {E.A: 1}", "print(x is E.A, d[x])"],
    "dataclasses": [
        "from dataclasses import dataclass\n@dataclass(frozen=True)\nclass P:\n    x: int\np = P(1)\nd = {p: 1}",
        "print(d[p], p in d)",
    ],
    "own equality": ["class P:\n    def __eq__(self, o): return True\na = P()\nb = [a]", "print(b[0] == a, a in b)"],
    "the objects of one variable": [
        NODE + "nodes = [a, b]",
        "first = nodes[0]\nprint(nodes.index(first), first in nodes)",
    ],
    "a namespace written by a constant": ["globals()['x'] = 4", "print(x)"],
    "a class that only makes objects": [
        "class P:\n    n = 0\n    def __init__(self):\n        self.n = 1\na = P()",
        "P()",
    ],
    "a default changed as a variable": ["rows = []\ndef f(to=rows): return len(to)\nrows.append(1)", "print(f())"],
    "items of a dict": ["d = {'a': [1]}\nfor k, v in d.items(): v.append(2)", "print({k: v for k, v in d.items()})"],
}


@pytest.mark.parametrize("name", QUIET)
def test_what_makes_no_difference_is_not_mentioned(name: str) -> None:
    """No problem at all."""
    assert [str(problem) for problem in flow_of(split(*(dedent(one) for one in QUIET[name]))).problems] == []


def test_a_lazy_map_uses_its_names_when_it_is_read() -> None:
    """``k`` as it is then."""
    flow = flow_of(split("k = 2\nm = map(lambda x: x * k, [1, 2])", "k = 10", "print(list(m))"))
    assert flow.tasks[-1].inputs == {"m": "t1", "k": "t2"}


VIEWS = ["df.to_numpy()", "df['a'].values", "df.iloc[:2]", "df.T", "df[1:]"]


@pytest.mark.parametrize("view", VIEWS)
def test_a_view_of_a_frame_is_looked_at_when_the_task_runs(view: str) -> None:
    """Whether it shares memory with the frame nobody knows before."""
    make = f"import pandas as pd\ndf = pd.DataFrame({{'a': [1, 2, 3]}})\nv = {view}"
    flow = flow_of(split(make, "df.iloc[0, 0] = 9", "print(v)"))
    assert [{*pair[:2]} for pair in flow.tasks[0].apart] == [{"df", "v"}]
