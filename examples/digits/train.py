"""Train one kind of model; five-fold cross-validation chooses its settings."""

import argparse
import json
import sys
from pathlib import Path

import joblib
import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.svm import SVC


def candidates(kind, trees, seed):
    """The settings to try, simplest first, each as (words, untrained model)."""
    if kind == "logistic":
        return [(f"C={c:g}", LogisticRegression(C=c, max_iter=2000)) for c in (0.1, 1.0, 10.0)]
    if kind == "forest":
        return [
            (
                f"{trees} trees, depth {depth or 'free'}",
                RandomForestClassifier(trees, max_depth=depth, random_state=seed),
            )
            for depth in (6, 12, None)
        ]
    return [(f"C={c:g}, gamma={g:g}", SVC(C=c, gamma=g)) for c in (1.0, 10.0) for g in (0.02, 0.1, 0.5)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=["logistic", "forest", "svm"])
    parser.add_argument("--data", type=Path, required=True, help="digits.npz of prepare.py")
    parser.add_argument("--out", type=Path, required=True, help="folder for model.joblib and outputs.json")
    parser.add_argument("--trees", type=int, default=200, help="size of the forest")
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    if not args.data.is_file():
        sys.exit(f"there is no data at {args.data}: run prepare.py first")

    with np.load(args.data) as data:
        x, y = data["train_x"], data["train_y"]
    folds = StratifiedKFold(5, shuffle=True, random_state=args.seed)
    best_score, best_words, best_model = -1.0, "", None
    tries = candidates(args.kind, args.trees, args.seed)
    for number, (words, model) in enumerate(tries, 1):
        score = float(cross_val_score(model, x, y, cv=folds).mean())
        print(f"[{number}/{len(tries)}] {args.kind} with {words}: {score:.4f} of the held-out rows right", flush=True)
        if score > best_score:
            best_score, best_words, best_model = score, words, model

    print(f"training {args.kind} with {best_words} on all {len(y)} rows", flush=True)
    best_model.fit(x, y)
    args.out.mkdir(parents=True, exist_ok=True)
    joblib.dump({"kind": args.kind, "settings": best_words, "model": best_model}, args.out / "model.joblib", compress=3)
    (args.out / "outputs.json").write_text(json.dumps({"cv_accuracy": round(best_score, 6), "settings": best_words}))
    print("wrote model.joblib")


if __name__ == "__main__":
    main()
