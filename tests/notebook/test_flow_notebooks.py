"""Notebooks of the kind that people publish, split cell by cell: the same values and the same output as in sequence."""

from __future__ import annotations

from textwrap import dedent

import pytest
from notebook_splitting import compared, notebook_of, split

NOTEBOOKS: dict[str, list[str]] = {
    "pandas cleaning": [
        """
        import numpy as np
        import pandas as pd
        """,
        """
        rows = {"city": ["Seoul", "Busan", None, "Daegu", "Seoul"], "price": [10.0, np.nan, 7.5, 3.0, 8.0]}
        df = pd.DataFrame(rows)
        print(df.shape)
        """,
        """
        df.dropna(subset=["city"], inplace=True)
        df["price"] = df["price"].fillna(df["price"].mean())
        """,
        """
        def add_rank(frame, column="price"):
            frame = frame.copy()
            frame["rank"] = frame[column].rank(ascending=False)
            return frame

        ranked = add_rank(df)
        """,
        """
        by_city = ranked.groupby("city")["price"].agg(["mean", "count"]).sort_index()
        print(by_city)
        """,
        """
        ranked.loc[ranked["price"] > 8, "label"] = "high"
        ranked["label"] = ranked["label"].fillna("low")
        print(ranked[["city", "label"]].to_string())
        """,
    ],
    "sklearn pipeline": [
        """
        from sklearn.datasets import load_iris
        from sklearn.linear_model import LogisticRegression
        from sklearn.metrics import accuracy_score
        from sklearn.model_selection import train_test_split
        from sklearn.preprocessing import StandardScaler
        """,
        """
        iris = load_iris()
        X, y = iris.data, iris.target
        X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=7)
        """,
        """
        scaler = StandardScaler()
        X_train = scaler.fit_transform(X_train)
        X_test = scaler.transform(X_test)
        """,
        """
        model = LogisticRegression(max_iter=200)
        model.fit(X_train, y_train)
        """,
        """
        predicted = model.predict(X_test)
        score = accuracy_score(y_test, predicted)
        print(f"accuracy {score:.3f}")
        """,
        "print([iris.target_names[i] for i in predicted[:5]], scaler.mean_.round(2))",
    ],
    "training loop by hand": [
        """
        import numpy as np
        rng = np.random.default_rng(0)
        X = rng.normal(size=(50, 3))
        true_w = np.array([1.0, -2.0, 0.5])
        y = X @ true_w + 0.01 * rng.normal(size=50)
        """,
        """
        w = np.zeros(3)
        lr = 0.1
        losses = []
        """,
        """
        for epoch in range(20):
            error = X @ w - y
            losses.append(float((error ** 2).mean()))
            w -= lr * 2 * X.T @ error / len(y)
        print(epoch, round(losses[-1], 4))
        """,
        """
        for epoch in range(epoch + 1, epoch + 11):
            error = X @ w - y
            losses.append(float((error ** 2).mean()))
            w -= lr * 2 * X.T @ error / len(y)
        """,
        """
        noise = rng.normal(size=3)
        print(len(losses), w.round(3), epoch, noise.round(4))
        """,
        "best = min(range(len(losses)), key=losses.__getitem__); print(best)",
    ],
    "class hierarchy": [
        """
        from abc import ABC, abstractmethod
        from dataclasses import dataclass, field
        """,
        """
        class Shape(ABC):
            count = 3

            @abstractmethod
            def area(self): ...

            def describe(self):
                return f"{type(self).__name__} {self.area():.2f} {self.count}"
        """,
        """
        @dataclass
        class Rect(Shape):
            w: float
            h: float = 1.0
            tags: list = field(default_factory=list)

            def area(self):
                return self.w * self.h

        class Square(Rect):
            def __init__(self, side):
                super().__init__(side, side)

            @property
            def side(self):
                return self.w
        """,
        """
        shapes = [Rect(2, 3), Square(4)]
        shapes[0].tags.append("first")
        """,
        """
        for shape in shapes:
            print(shape.describe(), isinstance(shape, Shape))
        """,
        """
        shapes.append(Square(1))
        total = sum(shape.area() for shape in shapes)
        print(total, shapes[-1].side, shapes[0].tags)
        """,
    ],
    "memo and recursion": [
        """
        calls = 0
        memo = {}
        """,
        """
        def fib(n):
            global calls
            calls += 1
            if n not in memo:
                memo[n] = n if n < 2 else fib(n - 1) + fib(n - 2)
            return memo[n]
        """,
        "print(fib(10), calls)",
        "print(fib(12), calls, len(memo))",
        """
        table = {k: v for k, v in memo.items() if v % 2}
        memo.clear()
        """,
        "print(fib(5), calls, sorted(memo), table)",
    ],
    "text statistics": [
        """
        import re
        from collections import Counter, defaultdict
        text = "the cat and the dog and the bird"
        """,
        """
        words = re.findall(r"\\w+", text)
        counts = Counter(words)
        """,
        """
        index = defaultdict(list)
        for position, word in enumerate(words):
            index[word].append(position)
        """,
        """
        counts.update(["cat", "cat"])
        index["cat"].append(-1)
        """,
        "print(counts.most_common(3), dict(index))",
        """
        stop = {"the", "and"}
        kept = [w for w in words if w not in stop]
        if (n := len(kept)) > 2:
            print(n, kept)
        """,
        "print(n, position, word)",
    ],
    "generators and iterators": [
        """
        from itertools import islice

        def numbers():
            n = 0
            while True:
                yield n
                n += 1
        """,
        """
        first = list(islice(numbers(), 5))
        queue = iter([10, 20, 30, 40])
        """,
        "a = next(queue)\nprint(a)",
        "b = next(queue)\nprint(b)",
        "rest = list(queue)\nprint(rest, first)",
        "print(list(queue), sum(x for x in first if x % 2))",
    ],
    "bank with state": [
        """
        class Account:
            def __init__(self, owner, balance=0):
                self.owner, self.balance, self.history = owner, balance, []

            def deposit(self, amount):
                self.balance += amount
                self.history.append(("in", amount))
                return self

            def __repr__(self):
                return f"{self.owner}: {self.balance} {self.history}"
        """,
        "anna = Account('Anna', 10)\nbank = {'ben': Account('Ben')}",
        "anna.deposit(5).deposit(2)",
        "bank['ben'].deposit(anna.balance)",
        """
        def everybody(accounts):
            for account in accounts:
                account.deposit(1)
        everybody([*bank.values()])
        """,
        "print(anna, bank)",
    ],
    "grid search by hand": [
        """
        from itertools import product
        data = [(x, 2 * x + 1) for x in range(10)]
        results = {}
        """,
        """
        def loss(slope, intercept, points=None):
            points = points if points is not None else data
            return sum((slope * x + intercept - y) ** 2 for x, y in points)
        """,
        """
        for slope, intercept in product([1, 2, 3], [0, 1]):
            results[slope, intercept] = loss(slope, intercept)
        """,
        """
        best = min(results, key=results.get)
        print(best, results[best], slope, intercept)
        """,
        """
        data.append((10, 100))
        print(loss(*best), loss(*best, points=data[:3]))
        """,
        "report = '\\n'.join(f'{k}: {v}' for k, v in sorted(results.items()))\nprint(report)",
    ],
    "plotting": [
        """
        import matplotlib.pyplot as plt
        import numpy as np
        """,
        """
        x = np.linspace(0, 1, 20)
        curves = {"sin": np.sin(x), "cos": np.cos(x)}
        """,
        """
        fig, ax = plt.subplots()
        for name, curve in curves.items():
            ax.plot(x, curve, label=name)
        ax.legend()
        print(len(ax.lines))
        plt.close(fig)
        """,
        """
        plt.figure()
        plt.hist(curves["sin"], bins=5)
        plt.title("sine")
        print(plt.gca().get_title())
        plt.close("all")
        """,
        "peak = {name: float(curve.max()) for name, curve in curves.items()}\nprint(peak)",
    ],
    "conditional work": [
        """
        DEBUG = False
        try:
            import json5 as json
        except ImportError:
            import json
        """,
        """
        config = json.loads('{"n": 3, "names": ["a", "b"]}')
        limit = 10
        """,
        """
        if DEBUG:
            limit = 1
            config["n"] = 0
        """,
        """
        match config:
            case {"n": int(n), "names": [head, *tail]}:
                print(n, head, tail)
            case _:
                n, head, tail = 0, None, []
        """,
        """
        try:
            value = int("x")
        except ValueError as error:
            value = -1
            print(type(error).__name__)
        """,
        """
        with open("/dev/null") as stream:
            empty = stream.read()
        print(limit, value, n, tail, repr(empty))
        """,
    ],
    "decorators and closures": [
        """
        import functools

        def logged(function):
            @functools.wraps(function)
            def wrapper(*args, **kwargs):
                result = function(*args, **kwargs)
                log.append((function.__name__, result))
                return result
            return wrapper
        log = []
        """,
        """
        @logged
        def double(x):
            return 2 * x

        @functools.lru_cache
        def slow(x):
            return x ** 2
        """,
        "print(double(3), slow(4))",
        """
        def scaler(factor):
            def scale(values):
                return [factor * v for v in values]
            return scale
        triple = scaler(3)
        """,
        "print(triple([1, 2]), double(5))",
        "handlers = {'twice': lambda v: double(v), 'half': lambda v: v / 2}",
        "print(handlers['twice'](7), log)",
    ],
    "matrices and views": [
        "import numpy as np\nm = np.arange(12.0).reshape(3, 4)",
        "m[0] *= 10\nm[:, 1] = -1",
        "total = m.sum(axis=0)\nprint(total)",
        "np.fill_diagonal(m, 0)\nm.sort(axis=1)",
        "out = np.empty_like(m)\nnp.multiply(m, 2, out=out)",
        "print(m, out.sum(), total.shape)",
    ],
}


pytestmark = pytest.mark.filterwarnings("ignore:.*inplace.*")


@pytest.fixture(autouse=True)
def _no_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MPLBACKEND", "Agg")


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_split_cell_by_cell_gives_what_it_gives_in_sequence(name: str) -> None:
    """Nothing differs, and there was nothing to say."""
    outcome = compared(split(*(dedent(source).strip() for source in NOTEBOOKS[name])))
    assert outcome.differences == ()
    assert [str(problem) for problem in outcome.flow.problems] == []
    assert outcome.noticed == ""


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_whose_first_cell_is_common_gives_the_same(name: str) -> None:
    """As people do it: imports and constants in a cell that travels."""
    first, *rest = (dedent(source).strip() for source in NOTEBOOKS[name])
    outcome = compared(notebook_of(("common", first), *((f"t{number}", one) for number, one in enumerate(rest))))
    assert outcome.differences == ()
