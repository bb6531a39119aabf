"""The task graph against slow and obvious references."""

from __future__ import annotations

import time
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from fasttrack_jupyter.model.graph import TaskGraph, build_graph
from fasttrack_jupyter.model.pipeline import Pipeline


def graph_of(edges: list[tuple[int, ...]]) -> TaskGraph:
    """Task ``i`` needs the tasks in ``edges[i]``."""
    return TaskGraph(tuple(f"t{number}" for number in range(len(edges))), edges)


@st.composite
def graphs(draw: st.DrawFn, *, acyclic: bool) -> TaskGraph:
    """Up to nine tasks with any edges, or with edges that only lead to earlier tasks of a shuffled order."""
    size = draw(st.integers(0, 9))
    order = draw(st.permutations(range(size)))
    place = {task: position for position, task in enumerate(order)}
    edges = []
    for task in range(size):
        allowed = [other for other in range(size) if (place[other] < place[task] if acyclic else other != task)]
        edges.append(tuple(draw(st.lists(st.sampled_from(allowed), unique=True)) if allowed else ()))
    return graph_of(edges)


def reachable(graph: TaskGraph, start: int) -> set[int]:
    """Everything that ``start`` needs, by asking again until nothing is new."""
    found = set(graph.upstream[start])
    while more := {other for task in found for other in graph.upstream[task]} - found:
        found |= more
    return found


@given(graphs(acyclic=True))
def test_every_task_comes_after_those_it_needs(graph: TaskGraph) -> None:
    """The order is a permutation in which no task is before its dependencies."""
    order = graph.topological_order()
    assert sorted(order) == list(range(len(graph.names)))
    assert all(order.index(other) < order.index(task) for task in order for other in graph.upstream[task])


@given(graphs(acyclic=False))
def test_cycles_are_found_exactly_where_there_are_some(graph: TaskGraph) -> None:
    """A cycle is told if and only if some task needs itself in the end, and every step of it is an edge."""
    cycle = graph.find_cycle()
    assert (cycle is not None) == any(task in reachable(graph, task) for task in range(len(graph.names)))
    for told in graph.cycles():
        assert told[0] == told[-1]
        assert len(set(told)) == len(told) - 1
        for name, needed in pairwise(told):
            assert graph.index[needed] in graph.upstream[graph.index[name]]


@given(graphs(acyclic=False), st.data())
def test_ancestors_and_descendants_are_each_others_mirror(graph: TaskGraph, data: st.DataObject) -> None:
    """b is an ancestor of a exactly if a is a descendant of b."""
    if not graph.names:
        return
    start = data.draw(st.integers(0, len(graph.names) - 1))
    assert graph.ancestors([start]) == reachable(graph, start)
    assert graph.descendants([start]) == {task for task in range(len(graph.names)) if start in reachable(graph, task)}


@given(graphs(acyclic=True), st.data())
def test_priority_is_the_longest_path_to_the_end(graph: TaskGraph, data: st.DataObject) -> None:
    """Own duration, and the longest of those behind it, by plain recursion."""
    size = len(graph.names)
    seconds = data.draw(st.lists(st.integers(0, 99).map(float), min_size=size, max_size=size))

    def longest(task: int) -> float:
        return seconds[task] + max((longest(other) for other in graph.downstream[task]), default=0.0)

    assert graph.priorities(seconds) == [longest(task) for task in range(size)]


def test_upstream_order_is_dependencies_then_inputs_then_mentions() -> None:
    """/pipeline/input1 … follow this order; a task that is named twice counts where it is named first."""
    pipeline = Pipeline.model_validate(
        {
            "name": "p",
            "tasks": [
                *({"name": name, "command": "true", "outputs": {"x": "int"}} for name in "abcde"),
                {
                    "name": "last",
                    "dependencies": ["c", "a"],
                    "inputs": {"one": "b.x", "two": "a.x"},
                    "command": "echo ${{ tasks.e.outputs.x }} ${{ tasks.c.outputs.x }}",
                    "environment": {"envs": {"D": "${{ tasks.d.outputs.x }}"}},
                },
            ],
        }
    )
    graph = build_graph(pipeline)
    assert [graph.names[task] for task in graph.upstream[5]] == ["c", "a", "b", "e", "d"]
    assert graph.downstream[0] == (5,)


def test_two_separate_cycles_are_both_told() -> None:
    """Each cycle once, beginning with its first task in the file."""
    graph = graph_of([(1,), (0,), (3,), (4,), (2,), ()])
    assert list(graph.cycles()) == [["t0", "t1", "t0"], ["t2", "t3", "t4", "t2"]]


def test_a_hundred_thousand_tasks_in_one_chain_need_no_recursion() -> None:
    """A chain as long as it gets: order, cycle search, priorities and reach stay linear."""
    size = 100_000
    graph = graph_of([(number - 1,) if number else () for number in range(size)])
    began = time.process_time()
    assert graph.topological_order() == list(range(size))
    assert graph.find_cycle() is None
    assert graph.priorities([1.0] * size)[0] == size
    assert len(graph.descendants([0])) == size - 1
    ring = graph_of([((number - 1) % size,) for number in range(size)])
    assert len(ring.find_cycle() or ()) == size + 1
    assert time.process_time() - began < 10
