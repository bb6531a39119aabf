"""PyTorch's tensors go from task to task as safetensors, or as its own file of weights; only where there is PyTorch."""

from __future__ import annotations

from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is too large to be needed for the tests")


def test_weights_travel_as_data_and_not_as_a_pickle(bench: Any) -> None:
    """A tensor and a state_dict: the same numbers, types and order."""
    source = (
        "import torch\ntorch.manual_seed(0)\nmodel = torch.nn.Linear(3, 2)\nstate = model.state_dict()\n"
        "plain = {key: value.clone() for key, value in state.items()}\n"
        "x = torch.arange(6, dtype=torch.int16).reshape(2, 3)\nhalf = torch.ones(2, dtype=torch.bfloat16)"
    )
    bench.task("make", source, outputs=["plain", "x", "half", "state"])
    check = (
        "import torch\nassert x.dtype is torch.int16 and x.tolist() == [[0, 1, 2], [3, 4, 5]]\n"
        "assert half.dtype is torch.bfloat16\nassert list(plain) == ['weight', 'bias'] == list(state)\n"
        "model = torch.nn.Linear(3, 2)\nmodel.load_state_dict(plain)\n"
        "assert all(torch.equal(state[key], plain[key]) for key in plain)"
    )
    bench.task("use", check, inputs=["plain", "x", "half", "state"])
    made = bench.run("make").succeeded()
    kinds = {name: made.variable(name)["serializer"] for name in ("plain", "x", "half")}
    assert set(kinds.values()) <= {"safetensors", "torch"}, kinds
    bench.run("use", after=["make"]).succeeded()


def test_a_model_travels_with_its_gradients_switched_on(bench: Any) -> None:
    """It is more than tensors, and so a pickle; its predictions are the same."""
    bench.task(
        "make", "import torch\nmodel = torch.nn.Linear(1, 1)\ny = model(torch.ones(1)).item()", outputs=["model", "y"]
    )
    use = (
        "import torch\nassert model(torch.ones(1)).item() == y\nassert all(p.requires_grad for p in model.parameters())"
    )
    bench.task("use", use, inputs=["model", "y"])
    assert bench.run("make").succeeded().variable("model")["serializer"] == "cloudpickle"
    bench.run("use", after=["make"]).succeeded()
