"""Compare trained models on the test rows; write metrics.json and confusion.png."""

import argparse
import json
import sys
from pathlib import Path

import joblib
import matplotlib
import numpy as np
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def draw_confusion(matrix, title, path):
    """Rows: the digit that was written. Columns: the digit that the model read."""
    figure, axes = plt.subplots(figsize=(6.4, 5.6), dpi=120)
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    axes.imshow(matrix, cmap="Blues", vmax=matrix.max() * 1.6)
    for row in range(10):
        for column in range(10):
            if matrix[row, column]:
                colour = "#b3261e" if wrong[row, column] else "#0b2a4a"
                axes.text(column, row, matrix[row, column], ha="center", va="center", color=colour)
    axes.set(title=title, xlabel="read as", ylabel="written", xticks=range(10), yticks=range(10))
    figure.tight_layout()
    figure.savefig(path, metadata={"Software": None})
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", type=Path, nargs="+", help="model files of train.py")
    parser.add_argument("--data", type=Path, required=True, help="digits.npz of prepare.py")
    parser.add_argument("--out", type=Path, required=True, help="folder for metrics.json, confusion.png, mistakes.npz")
    args = parser.parse_args()
    for path in [args.data, *args.models]:
        if not path.is_file():
            sys.exit(f"there is no file at {path}: run prepare.py and train.py first")

    with np.load(args.data) as data:
        x, y = data["test_x"], data["test_y"]
    metrics, readings = {}, {}
    for path in args.models:
        trained = joblib.load(path)
        kind = trained["kind"]
        readings[kind] = trained["model"].predict(x)
        metrics[kind] = {
            "accuracy": round(float(accuracy_score(y, readings[kind])), 6),
            "macro_f1": round(float(f1_score(y, readings[kind], average="macro")), 6),
            "wrong": int(np.sum(readings[kind] != y)),
            "settings": trained["settings"],
        }
        print(
            f"{kind:10} {metrics[kind]['accuracy']:.4f} right, {metrics[kind]['wrong']} of {len(y)} wrong", flush=True
        )

    best = max(metrics, key=lambda kind: metrics[kind]["accuracy"])
    matrix = confusion_matrix(y, readings[best], labels=range(10))
    args.out.mkdir(parents=True, exist_ok=True)
    draw_confusion(matrix, f"{best}: {metrics[best]['wrong']} of {len(y)} digits misread", args.out / "confusion.png")
    result = {"best": best, "rows": len(y), "models": metrics, "confusion": matrix.tolist()}
    (args.out / "metrics.json").write_text(json.dumps(result, indent=2, sort_keys=True) + "\n")
    wrong = readings[best] != y
    np.savez_compressed(args.out / "mistakes.npz", images=x[wrong], written=y[wrong], read=readings[best][wrong])
    outputs = {"best": best, "accuracy": metrics[best]["accuracy"]}
    (args.out / "outputs.json").write_text(json.dumps(outputs))
    print(f"the best model is {best}")


if __name__ == "__main__":
    main()
