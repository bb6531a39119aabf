"""Who goes next when slots are short."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fasttrack_jupyter.engine.admission import PATIENCE, Admission, Rank
from fasttrack_jupyter.engine.line import LOOK_AHEAD, Line
from fasttrack_jupyter.model.resources import ResourceSlots

TWO_CPUS = ResourceSlots.parse({"cpu": 2, "mem": "4g"})
ONE = ResourceSlots.parse({"cpu": 1})


def rank(ordinal: int, *, priority: int = 0, remaining: float = 0.0) -> Rank:
    return Rank(-priority, -remaining, 0, ordinal)


def key(name: object, job: str = "j") -> tuple[str, str]:
    return (job, str(name))


def test_slots_are_handed_out_until_they_are_gone() -> None:
    """And handed on when they come back."""
    admission = Admission(TWO_CPUS)
    for i in range(3):
        admission.offer(key(i), ONE, rank(i))
    assert admission.admit() == [key(0), key(1)]
    assert admission.admit() == []
    admission.release(key(0))
    assert admission.admit() == [key(2)]


def test_priority_then_critical_path_then_place() -> None:
    """The order of the line."""
    admission = Admission(ResourceSlots.parse({"cpu": 9}))
    admission.offer(key("late"), ONE, rank(5))
    admission.offer(key("early"), ONE, rank(1))
    admission.offer(key("long"), ONE, rank(7, remaining=60.0))
    admission.offer(key("urgent"), ONE, rank(9, priority=1))
    assert [name for _, name in admission.admit()] == ["urgent", "long", "early", "late"]


def test_small_ones_go_past_a_big_one_but_not_for_ever() -> None:
    """After some patience nothing is given away that the big one needs."""
    admission = Admission(TWO_CPUS)
    admission.offer(key("first"), ONE, rank(0))
    admission.admit()
    admission.offer(key("big"), ResourceSlots.parse({"cpu": 2}), rank(1))
    passed = 0
    for i in range(10 * PATIENCE):
        admission.offer(key(i), ONE, rank(2 + i))
        if not admission.admit():
            break
        passed += 1
        admission.release(key(i))
    assert passed == PATIENCE
    admission.release(key("first"))
    assert admission.admit()[0] == key("big")


def test_what_is_waited_for_is_said_in_numbers() -> None:
    """Asked, free, and how much there is."""
    admission = Admission(TWO_CPUS)
    admission.hold(key("holder"), ResourceSlots.parse({"cpu": "1.5"}))
    admission.offer(key("waiter"), ONE, rank(0))
    admission.admit()
    assert admission.why_waiting(key("waiter")) == "waits for slots: 1 cpu asked, 0.5 of 2 free"
    assert admission.why_waiting(key("nobody")) == ""


def test_only_a_few_of_each_demand_are_intended_ahead() -> None:
    """The rest stays unrecorded until its turn is near."""
    line = Line(TWO_CPUS)
    for i in range(100):
        line.offer(key(i), ONE, rank(i))
    ahead = line.intend()
    assert len(ahead) == LOOK_AHEAD
    assert line.start() == []
    for i, name in enumerate(ahead):
        line.queue(name, ONE, rank(i))
    assert line.start() == [key(0), key(1)]
    assert line.intend() == [key(LOOK_AHEAD), key(LOOK_AHEAD + 1)]


def test_what_outranks_the_intended_is_intended_in_any_case() -> None:
    """Looking ahead must not make the important wait."""
    line = Line(TWO_CPUS)
    for i in range(50):
        line.offer(key(i), ONE, rank(i))
    for i, name in enumerate(line.intend()):
        line.queue(name, ONE, rank(i))
    line.start()
    line.intend()
    line.offer(key("urgent"), ONE, rank(99, priority=5))
    assert line.intend() == [key("urgent")]
    line.queue(key("urgent"), ONE, rank(99, priority=5))
    line.release(key(0))
    assert line.start() == [key("urgent")]


def test_another_demand_does_not_wait_behind_a_blocked_one() -> None:
    """GPU tasks that wait leave the cpus to others."""
    line = Line(ResourceSlots.parse({"cpu": 2, "cuda.device": 1}))
    gpu = ResourceSlots.parse({"cuda.device": 1})
    for i in range(40):
        line.offer(key(f"g{i}"), gpu, rank(i))
    line.offer(key("c"), ONE, rank(99))
    for name in line.intend():
        line.queue(name, ONE if name == key("c") else gpu, rank(0))
    assert key("c") in line.start()


def test_withdrawing_tells_whether_it_was_still_in_the_queue() -> None:
    """Who never started needs nobody's confirmation."""
    line = Line(TWO_CPUS)
    line.offer(key("a"), ONE, rank(0))
    assert not line.withdraw(key("a"))
    line.queue(key("b"), ONE, rank(0))
    assert line.withdraw(key("b"))
    assert line.start() == []


demands = st.builds(
    lambda cpu, gpu: ResourceSlots({"cpu": cpu * 10, "cuda.shares": gpu * 10}), st.integers(0, 20), st.integers(0, 10)
)


@given(st.lists(st.tuples(demands, st.integers(0, 3)), max_size=40), st.randoms())
def test_never_more_than_there_is_and_never_stuck(tasks: list[tuple[ResourceSlots, int]], random: object) -> None:
    """Whatever is asked for in whatever order: the sum fits, and all that can ever fit gets its turn."""
    capacity = ResourceSlots({"cpu": 200, "cuda.shares": 100})
    line = Line(capacity)
    asked = {key(i): demand for i, (demand, _) in enumerate(tasks)}
    for i, (demand, priority) in enumerate(tasks):
        line.offer(key(i), demand, rank(i, priority=priority))
    running: list[tuple[str, str]] = []
    done = 0
    while done < len(tasks):
        for name in line.intend():
            line.queue(name, asked[name], rank(int(name[1])))
        running += line.start()
        total = ResourceSlots()
        for name in running:
            total = total.plus(asked[name])
        assert total.fits(capacity)
        assert running, "nothing runs and not all is done"
        running.sort(key=lambda _: random.random())  # type: ignore[attr-defined]
        line.release(running.pop())
        done += 1


def test_what_a_big_one_waits_for_holds_up_nothing_else() -> None:
    """A task that waits for the one device keeps its cpu free, and no more than that."""
    admission = Admission(ResourceSlots.parse({"cpu": 3, "cuda.device": 1}))
    device = ResourceSlots.parse({"cpu": 1, "cuda.device": 1})
    admission.offer(key("holder"), device, rank(0))
    admission.admit()
    admission.offer(key("big"), device, rank(1))
    for i in range(10 * PATIENCE):
        admission.offer(key(i), ONE, rank(2 + i))
        assert admission.admit() == [key(i)]
        admission.release(key(i))
    admission.offer(key("x"), ONE, rank(5000))
    admission.offer(key("y"), ONE, rank(5001))
    assert admission.admit() == [key("x")]
    admission.release(key("holder"))
    assert admission.admit() == [key("big"), key("y")]


def test_withdrawn_offers_are_thrown_away_bit_by_bit() -> None:
    """Of ten thousand offers of a cancelled job only a few are left to look past; the others' order stays."""
    line = Line(ResourceSlots({"cpu": 100}))
    demand = ResourceSlots({"cpu": 100})
    for number in range(10_000):
        line.offer(("job", str(number)), demand, Rank(0, 0.0, 0, number))
    for number in range(9_990):
        line.withdraw(("job", str(number)))
    assert sum(map(len, line._offers.values())) < 3_000
    assert line.intend() == [("job", str(number)) for number in range(9_990, 10_000)]
