"""Fits y = a*x + b by gradient descent; each rank has its own part of the data."""

import argparse
import json
import random
from pathlib import Path

from ring import Group

options = argparse.ArgumentParser()
options.add_argument("--steps", type=int, default=20)
options.add_argument("--lr", type=float, default=0.2)
options = options.parse_args()

group = Group()
random.seed(group.rank)
points = [(x, 3.0 * x - 1.0 + random.gauss(0, 0.01)) for x in (random.uniform(-1, 1) for _ in range(200))]
print(f"rank {group.rank} of {group.size} has {len(points)} points", flush=True)

a = b = 0.0
for step in range(options.steps):
    errors = [(x, a * x + b - y) for x, y in points]
    local = [
        sum(2 * e * x for x, e in errors),
        sum(2 * e for _, e in errors),
        sum(e * e for _, e in errors),
        len(errors),
    ]
    slope, offset, loss, count = group.sum(local)
    a, b, loss = a - options.lr * slope / count, b - options.lr * offset / count, loss / count
    if group.rank == 0 and step % 5 == 4:
        print(f"step {step + 1}: loss {loss:.4f}", flush=True)

if group.rank == 0:
    outputs = Path("/pipeline/outputs")
    (outputs / ".values").mkdir(exist_ok=True)
    (outputs / ".values" / "loss").write_text(str(loss))
    (outputs / "model.json").write_text(json.dumps({"a": a, "b": b}))
