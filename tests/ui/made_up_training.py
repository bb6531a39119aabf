"""A pipeline that trains something without any library: curves, a classifier's quality, a model, a large table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hands import until

if TYPE_CHECKING:
    from tests.ui.conftest import Lab

ROWS = 30_000
TEXT = f"""name: trained
params:
- {{name: lr, type: float, default: 0.1}}
- {{name: kind, type: str, default: forest}}
- {{name: seed, type: int, default: 7}}
tasks:
- name: prepare
  command: python3 prepare.py
  outputs: {{data: {{type: Dataset, path: data.csv, metadata: {{rows: {ROWS}}}}}}}
  resources: {{cpu: 0.5, mem: 64m}}
- name: train
  inputs: {{data: prepare.data}}
  command: python3 train.py ${{{{ params.lr }}}}
  outputs:
    model: {{type: Model, path: model, register: trained}}
    accuracy: float
    quality: {{type: ClassificationMetrics, path: quality.json}}
  resources: {{cpu: 0.5, mem: 64m}}
- name: report
  inputs: {{model: train.model}}
  command: cp page.html notes.md /pipeline/outputs
  resources: {{cpu: 0.5, mem: 64m}}
"""
PREPARE = f"""
import csv, os
with open(os.environ.get("PIPELINE_OUTPUTS", "/pipeline/outputs") + "/data.csv", "w", newline="") as file:
    rows = csv.writer(file)
    rows.writerow(["id", "text", "value"])
    for number in range({ROWS}):
        rows.writerow([number, "two\\nlines, 한국" if number % 7 == 0 else f"row {{number}}", number / 7])
"""
TRAIN = """
import math, os, sys
import fasttrack_task as ft_task
lr = float(sys.argv[1])
for step in range(50):
    decay = math.exp(-step * lr / 2)
    ft_task.metrics({"train_loss": 2 * decay, "val_loss": 2 * decay + 0.1, "accuracy": 1 - 0.9 * decay}, step=step)
ft_task.metric("norm", float("nan") if lr == 0.1 else 1.0)
good = round(60 + 40 * lr)
matrix = [[good, 8, 2], [5, 70, 5], [0, 9, 81]]
rates = [at / 20 for at in range(21)]
bend = 1 + 20 * lr
roc = (rates, [1 - (1 - at) ** bend for at in rates], [1 - at for at in rates])
ft_task.classification_metrics("quality", matrix, ["cat", "dog", "호랑이"], roc)
model = os.path.join(os.environ.get("PIPELINE_OUTPUTS", "/pipeline/outputs"), "model")
os.makedirs(model)
with open(os.path.join(model, "weights.bin"), "wb") as file:
    file.write(bytes(30_000))
ft_task.value("accuracy", 1 - 1 / bend)
"""
PAGE = """<!doctype html><p id="said">nothing</p><script>
let said = 'locked in';
try { said = parent.document.title; } catch (error) { document.title = String(error); }
try { said = `${said} ${localStorage.length}`; } catch (error) { document.title = String(error); }
document.getElementById('said').textContent = said;
</script>"""
NOTES = '# Notes\n\nIt went **well**. <img src=x onerror="window.evil = 1">\n'


def write_training(lab: Lab) -> str:
    """The files of the pipeline in the workspace; the path of the pipeline's own."""
    for name, text in (("prepare.py", PREPARE), ("train.py", TRAIN), ("page.html", PAGE), ("notes.md", NOTES)):
        lab.write(name, text)
    return str(lab.write("trained.fasttrack.yaml", TEXT))


def trained(lab: Lab, **params: object) -> str:
    """The id of a job of it, that has succeeded."""
    source = write_training(lab)
    made = str(lab.client.run({"text": TEXT, "source": source, "params": params})["id"])
    until(lambda: lab.client.job(made)["ended_at"], "the end of the job", 60)
    assert lab.client.job(made)["result"] == "SUCCESS", lab.client.job(made)["tasks"]
    return made
