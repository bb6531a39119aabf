"""Which variables flow between tasks, and what is said where that cannot be decided."""

from __future__ import annotations

from typing import Any

import pytest
from notebook_splitting import notebook_of, split

from fasttrack_jupyter.model.problems import Severity
from fasttrack_jupyter.notebook.flow import Flow, TaskFlow, flow_of
from fasttrack_jupyter.notebook.marks import TaskOptions


def flow(*cells: tuple[str, str] | tuple[str, str, TaskOptions]) -> tuple[dict[str, TaskFlow], Flow]:
    """The tasks by name, and all."""
    found = flow_of(notebook_of(*cells))
    return {task.name: task for task in found.tasks}, found


# cells, each a task t1, t2 …; then "variable<producer" of the last one
EDGES: list[tuple[list[str], str]] = [
    (["x = 1", "print(x)"], "x<t1"),
    (["x = 1", "x = 2", "print(x)"], "x<t2"),
    (["x = 1", "x += 1", "print(x)"], "x<t2"),
    (["x = []", "x.append(1)", "print(x)"], "x<t2"),
    (["x = []", "len(x)", "print(x)"], "x<t1"),
    (["x = 1", "if x: x = 2", "print(x)"], "x<t2"),
    (["x = 1", "for i in []: x = i", "print(x)"], "x<t2"),
    (["x = 1", "def f(): global x; x = 2", "f()", "print(x)"], "x<t3"),
    (["x = []", "def f(y): y.append(1)", "f(x)", "print(x)"], "x<t3"),
    (["k = 1", "def f(): return k", "f()"], "k<t1"),
    (["k = 1", "def f(): return k", "k = 2", "f()"], "k<t3"),
    (["k = 1", "def g(): return k", "def f(): return g()", "print(f())"], "k<t1"),
    (["k = 1", "f = lambda: k", "f()"], "k<t1"),
    (["k = 1", "h = {'a': lambda: k}", "k = 2", "h['a']()"], "h<t2 k<t3"),
    (["memo = {}", "def f(): memo[1] = 2", "f()", "f()", "print(memo)"], "memo<t4"),
    (["class A:\n    def m(self): self.v = k", "k = 1", "a = A()", "a.m()", "print(a.v)"], "a<t4 k<t2"),
    (["it = iter([1, 2])", "next(it)", "next(it)"], "it<t2"),
    (["import numpy as np\nrng = np.random.default_rng(0)", "rng.normal()", "rng.normal()"], "rng<t2"),
    (["import numpy as np\na = np.zeros(3)", "np.add(a, 1, out=a)", "print(a)"], "a<t2"),
    (["import pandas as pd\ndf = pd.DataFrame()", "df.drop('a', inplace=True)", "print(df)"], "df<t2"),
    (["import pandas as pd\ndf = pd.DataFrame()", "df.head()", "print(df)"], "df<t1"),
    (["from sklearn.svm import SVC\nm = SVC()", "m.fit([[1]], [1])", "m.predict([[1]])"], "m<t2"),
    (["x = 1", "x = 2\ndel x", "y = 1", "print(y)"], "y<t3"),
    (["def f(): pass", "import os", "f(); os.getcwd()"], ""),
    (["x = 1", "[x for x in range(3)]", "print(x)"], "x<t1"),
    (["x = 1", "def f(x): x = 2", "f(0)", "print(x)"], "x<t1"),
    (["x = 1", "try: x = int('a')\nexcept ValueError: pass", "print(x)"], "x<t2"),
    (["a, b = [1], [2]", "a, b = b, a", "print(a)"], "a<t2"),
    (["d = {}", "d['x'] = 1", "with open('/dev/null') as d2: pass", "print(d)"], "d<t2"),
    (["from collections import defaultdict\nd = defaultdict(list)", "d['a'].append(1)", "print(d)"], "d<t2"),
]


@pytest.mark.parametrize(("sources", "expected"), EDGES, ids=[" | ".join(row[0]) for row in EDGES])
def test_the_last_task_takes(sources: list[str], expected: str) -> None:
    """Each variable from the last task that gave it, and nothing is said."""
    found = flow_of(split(*sources))
    assert [str(problem) for problem in found.problems if problem.severity is Severity.ERROR] == []
    assert " ".join(f"{name}<{task}" for name, task in sorted(found.tasks[-1].inputs.items())) == expected


# cells as (mark, source), the code of the problem, its severity, and what its text must name
SAID: list[tuple[list[tuple[str, str]], str, str, list[str]]] = [
    ([("a", "x = = 1")], "syntax", "error", ["cell 1, line 1"]),
    ([("a", "print(y)")], "unknown_name", "error", ["'y'", "cell 1, line 1"]),
    ([("a", "lenght = 1"), ("b", "pass\nprint(length)")], "unknown_name", "error", ["cell 2, line 2", "'lenght'"]),
    ([("a", "print(y)"), ("b", "y = 1")], "used_before", "error", ["'y'", "cell 2, line 1"]),
    (
        [("plain", "y = 1"), ("a", "print(y)")],
        "plain_giver",
        "error",
        ["'y'", "cell 1", "cell 2", "%%fasttrack_common"],
    ),
    ([("skip", "y = 1"), ("a", "print(y)")], "plain_giver", "error", ["left out"]),
    ([("plain", "import numpy as np"), ("a", "np.zeros(1)")], "plain_giver", "error", ["'np'"]),
    ([("a", "y = 1"), ("plain", "y = 2"), ("b", "print(y)")], "plain_changes", "warning", ["'y'", "cell 2", "cell 1"]),
    ([("a", "x = 1"), ("b", "del x"), ("c", "print(x)")], "deleted", "error", ["'x'", "cell 2, line 1"]),
    (
        [("a", "x = [1]\ny = x"), ("b", "x.append(1)"), ("c", "print(y)")],
        "shared_object",
        "error",
        ["'x'", "'y'", "cell 3"],
    ),
    ([("a", "x = [1]\ny = [x]"), ("b", "y[0].append(1)\nprint(x)")], "shared_object", "error", ["'x'", "'y'"]),
    (
        [
            ("a", "class O:\n    def __init__(s, m): s.m = m\n    def step(s): s.m.append(1)\nm = []\no = O(m)"),
            ("b", "o.step()"),
            ("c", "print(m)"),
        ],
        "shared_object",
        "error",
        ["'m'", "'o'"],
    ),
    (
        [
            ("a", "from torch import nn, optim\nm = nn.Linear(1, 1)\no = optim.SGD(m.parameters())"),
            ("b", "o.step()\nm(1)"),
        ],
        "shared_object",
        "error",
        ["'m'", "'o'"],
    ),
    (
        [
            ("a", "import matplotlib.pyplot as plt\nfig, ax = plt.subplots()"),
            ("b", "ax.plot([1])"),
            ("c", "fig.savefig('a.png')"),
        ],
        "shared_object",
        "error",
        ["'ax'", "'fig'"],
    ),
    ([("a", "x = 1"), ("b", "y = x"), ("a", "x = 2")], "interleaved", "error", ["'x'", "cell 3, line 1"]),
    ([("a", "x = 1"), ("b", "y = x"), ("a", "print(y)")], "cycle", "error", ["'x'", "'y'", "cell 2", "cell 3"]),
    (
        [("a", "x = 1"), ("b", "print(x)"), ("c", "x = 2"), ("b", "print(x)")],
        "two_versions",
        "error",
        ["'x'", "cell 2", "cell 4"],
    ),
    ([("a", "x = 1"), ("b", "x = 2"), ("c", "print(x)")], "two_writers", "notice", ["'x'", "'a'", "'b'"]),
    ([("a", "from numpy import *")], "star_import", "error", ["numpy"]),
    ([("a", "exec(open('x').read())")], "hidden_code", "error", ["exec"]),
    ([("a", "y = eval(input())")], "hidden_code", "warning", ["eval"]),
    ([("a", "globals().update(x=1)")], "namespace", "warning", ["globals"]),
    (
        [("a", "n = 1\ndef f(a=n): return a"), ("b", "n = 2"), ("c", "f()\nn")],
        "definition_outdated",
        "error",
        ["'f'", "'n'"],
    ),
    (
        [("a", "def f(a=[]): a.append(1); return a"), ("b", "f()"), ("c", "f()")],
        "stateful_definition",
        "error",
        ["'f'"],
    ),
    ([("a", "class A: n = 0"), ("b", "A.n += 1"), ("c", "print(A.n)")], "stateful_definition", "error", ["'A'"]),
    (
        [("a", "r = []\ndef reg(f): r.append(f); return f\n@reg\ndef f(): pass"), ("b", "f()")],
        "defining_acts",
        "error",
        ["'f'"],
    ),
    ([("a", "for i in [1]:\n    def f(): pass"), ("b", "f()")], "conditional_definition", "error", ["'f'", "cell 1"]),
    ([("a", "class A: pass"), ("b", "a = A()"), ("c", "class A: pass"), ("d", "a")], "redefined", "error", ["'A'"]),
    ([("a", "x = 1"), ("common", "y = x"), ("b", "print(y)")], "common_needs_task", "error", ["'x'", "cell 2"]),
    ([("a", "import os\nos.environ['A'] = 'b'"), ("b", "print(1)")], "process_state", "warning", ["environment"]),
    (
        [("a", "import pandas as pd\npd.set_option('a', 1)"), ("b", "pd.DataFrame()")],
        "process_state",
        "warning",
        ["pandas"],
    ),
    (
        [("a", "import numpy as np\nnp.random.seed(0)"), ("b", "np.random.rand()")],
        "random_numbers",
        "warning",
        ["numpy.random"],
    ),
    (
        [("common", "import random\nrandom.seed(0)"), ("a", "x = random.random()"), ("b", "y = random.random()")],
        "random_numbers",
        "warning",
        ["cell 3", "cell 1"],
    ),
    (
        [("a", "open('x.txt', 'w').write('1')"), ("b", "open('x.txt').read()")],
        "file_between_tasks",
        "warning",
        ["x.txt", "'a'"],
    ),
    (
        [("a", "import pandas as pd\ndf = pd.DataFrame()\ndf.to_csv('d.csv')"), ("b", "pd.read_csv('d.csv')")],
        "file_between_tasks",
        "warning",
        ["d.csv", "/pipeline/vfroot"],
    ),
    (
        [
            ("a", "from pathlib import Path\np = Path('out')\n(p / 'a.txt').write_text('x')"),
            ("b", "(p / 'a.txt').read_text()"),
        ],
        "file_between_tasks",
        "warning",
        ["out/a.txt"],
    ),
    ([("a", "print(_)")], "output_history", "error", ["'_'"]),
]


@pytest.mark.parametrize(
    ("cells", "code", "severity", "words"), SAID, ids=[f"{row[1]}: {row[0][-1][1]}" for row in SAID]
)
def test_it_is_said(cells: list[tuple[str, str]], code: str, severity: str, words: list[str]) -> None:
    """By name: the variable, the cells, the remedy."""
    problems = [problem for problem in flow_of(notebook_of(*cells)).problems if problem.code == code]
    assert problems, [str(problem) for problem in flow_of(notebook_of(*cells)).problems]
    assert {problem.severity for problem in problems} == {severity}
    assert all(any(word in str(problem) for problem in problems) for word in words), str(problems[0])
    assert all(problem.hint for problem in problems)


def test_a_definition_travels_with_what_it_needs_in_order() -> None:
    """Imports, classes, functions; each as whole lines with the place it is from."""
    tasks, found = flow(
        ("a", "x = 1\nimport math, json\n@property\ndef helper(): return math.pi"),
        ("b", "class Base: pass\nclass Kid(Base):\n    def m(self): return helper\n"),
        ("c", "k = Kid()\nprint(json)"),
    )
    assert found.problems == ()
    sources = [(one.label, one.line, one.names, one.source) for one in tasks["c"].definitions]
    assert sources == [
        ("cell 1", 2, ("math", "json"), "import math, json\n"),
        ("cell 1", 3, ("helper",), "@property\ndef helper(): return math.pi"),
        ("cell 2", 1, ("Base",), "class Base: pass\n"),
        ("cell 2", 2, ("Kid",), "class Kid(Base):\n    def m(self): return helper\n"),
    ]


def test_an_object_brings_its_class() -> None:
    """Whoever takes it can ask ``isinstance``, and its methods find what they need."""
    tasks, _ = flow(
        ("a", "class A:\n    def m(self): return k"), ("b", "k = 1\nobjects = [A()]"), ("c", "objects[0].m()")
    )
    assert [one.name for one in tasks["c"].definitions] == ["A"]
    assert dict(tasks["c"].inputs) == {"objects": "b", "k": "b"}


def test_common_cells_travel_where_they_are_needed() -> None:
    """Through each other; those that do something, always; those after the task, never."""
    tasks, found = flow(
        ("common", "import os"),
        ("common", "def f(): return os.sep"),
        ("common", "print('hello')"),
        ("a", "f()"),
        ("common", "late = 1"),
        ("b", "print(late)"),
        ("c", "1"),
    )
    assert found.problems == ()
    assert [tasks[name].common for name in "abc"] == [("01", "02", "03"), ("03", "05"), ("03",)]


def test_parameters_are_found_through_functions_and_common_cells() -> None:
    """A task that changes one hands its own on."""
    tasks, _ = flow(
        ("params", "lr, n = 0.1, 3"),
        ("common", "def rate(): return lr"),
        ("a", "rate()"),
        ("b", "n += 1"),
        ("c", "print(n)"),
    )
    assert [tasks[name].params for name in "abc"] == [("lr",), ("n",), ()]
    assert dict(tasks["c"].inputs) == {"n": "b"}


def test_an_input_that_a_later_task_reads_as_well_is_watched() -> None:
    """Only where the task does not change it by what can be seen."""
    tasks, _ = flow(
        ("a", "d = load = {}\ne = []"), ("b", "print(d, e)"), ("c", "e.append(len(d))"), ("d", "print(d, e)")
    )
    assert dict(tasks["b"].watched) == {"d": "c", "e": "c"}
    assert dict(tasks["c"].watched) == {"d": "d"}


def test_what_a_library_may_have_made_one_object_of_is_kept_apart() -> None:
    """The task that makes both looks when it runs."""
    tasks, found = flow(
        ("a", "import lib\nx = lib.load()\ny = lib.clean(x)"), ("b", "y['k'] = 1"), ("c", "print(x, y)")
    )
    assert found.problems == ()
    assert tasks["a"].apart == (("x", "y", "b", "columns"),)


def test_in_and_out_are_explicit() -> None:
    """--in decides what comes in, --out adds."""
    tasks, found = flow(
        ("a", "x = 1\ny = 2\n_z = 3", TaskOptions(outputs=("_z",))),
        ("b", "print(x)", TaskOptions(inputs=("y",))),
    )
    assert dict(tasks["b"].inputs) == {"y": "a"}
    assert tasks["a"].outputs == ("y", "_z")
    assert tasks["a"].optional == ("x",)
    assert [problem.code for problem in found.problems] == ["not_in"]


def test_several_cells_of_one_name_are_one_task() -> None:
    """In the order of the notebook."""
    tasks, found = flow(("a", "x = 1"), ("a", "y = x"), ("b", "print(y)"))
    assert found.problems == ()
    assert (list(tasks), dict(tasks["a"].inputs), dict(tasks["b"].inputs)) == (["a", "b"], {}, {"y": "a"})


def test_after_is_kept_and_puts_files_in_order() -> None:
    """On a folder that both see, --after is all it takes."""
    path = "/pipeline/vfroot/x.txt"
    write, read = f"open('{path}', 'w')", f"open('{path}')"
    tasks, found = flow(("a", write), ("b", read, TaskOptions(after=("a",))))
    assert (tasks["b"].after, found.problems) == (("a",), ())
    assert [problem.code for problem in flow(("a", write), ("b", read))[1].problems] == ["file_between_tasks"]


@pytest.mark.parametrize(
    "sources",
    [
        ["x = [1]", "import copy\ny = copy.deepcopy(x)", "y.append(1)", "print(x)"],
        ["x = [1]\ny = x", "x = x + [1]", "print(y, x)"],
        ["x = 1\ny = x", "x += 1", "print(x, y)"],
        ["import random\nprint(random.random())", "print(random.random())"],
        ["import numpy as np\nnp.random.seed(1)\nx = np.random.rand()", "np.random.seed(2)\nnp.random.rand()"],
        ["try:\n    import ujson as json\nexcept ImportError:\n    import json", "json.dumps(1)"],
        ["from math import *", "print(pi)"],
        ["import functools\n@functools.lru_cache\ndef f(x): return x", "f(1)", "f(2)"],
        ["import re\nP = re.compile('a')", "print(P.match('a'))"],
        [
            "from collections import namedtuple\nP = namedtuple('P', 'x y')",
            "p = P(1, 2)",
            "print(p.x, isinstance(p, P))",
        ],
        ["from enum import Enum\nclass C(Enum):\n    A = 1", "c = C.A", "print(c is C.A)"],
        ["display(1)", "get_ipython"],
    ],
)
def test_nothing_is_said_without_need(sources: list[str]) -> None:
    """What people do all day."""
    assert [str(problem) for problem in flow_of(split(*sources)).problems] == []


# ---------------------------------------------------------------- pairs that a task looks at when it runs


def test_what_a_library_may_share_is_looked_at_when_it_runs() -> None:
    """The pair, the task that changes one of the two, and how."""
    flow = flow_of(split("import foo\nx = [1]\ny = foo.f(x)", "x[0] = 2", "print(y)"))
    assert flow.tasks[0].apart == (("x", "y", "t2", "any"),)


@pytest.mark.parametrize(
    ("change", "how"),
    [
        ("df['p'] = 1", "columns"),
        ("df[f'p{1}'] = 1", "columns"),
        ("del df['a']\ndf.pop('b')", "columns"),
        ("df['p'] = 1\ndf.loc[0, 'c'] = 2", "any"),
        ("df.loc[0, 'c'] = 2\ndf['p'] = 1", "any"),
        ("df[df.c > 1] = 2", "any"),
        ("df['c'][0] = 2", "any"),
        ("df.update(1)", "any"),
    ],
)
def test_new_columns_leave_a_frames_memory(change: str, how: str) -> None:
    """``y = df["c"].values`` stays what it was where a later task adds columns to ``df``."""
    flow = flow_of(split("import pandas as pd\ndf = pd.read_csv('a')\ny = df['c'].values", change, "print(y)"))
    assert flow.tasks[0].apart == (("df", "y", "t2", how),)


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ([("a", "x = 1", ("x", "y"))], "error"),
        ([("a", "x = 1", None), ("a", "y = x", ("y", "x"))], None),
        ([("a", "x = 1", None), ("b", "print(x)", ("x",))], None),
        ([("a", "x = 1", None), ("b", "z = 1", ("x",))], "error"),
        ([("a", "globals()['y'] = 1", ("y",))], None),
        ([("a", "exec(open('f').read())", ("y",))], "warning"),
        ([("a", "for y in range(3): pass", ("y",))], None),
    ],
)
def test_what_out_promises_must_be_given(cells: list[Any], said: str | None) -> None:
    """Told when the pipeline is built; only a warning where the cell may bind any name."""
    _, found = flow(*((name, source, TaskOptions(outputs=out)) for name, source, out in cells))
    assert [str(one.severity) for one in found.problems if one.code == "unknown_output"] == ([said] if said else [])
