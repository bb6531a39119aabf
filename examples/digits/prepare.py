"""Take scikit-learn's 1,797 handwritten digits and part them into training and test rows."""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder for digits.npz and outputs.json")
    parser.add_argument("--test-fraction", type=float, default=0.25)
    parser.add_argument("--seed", type=int, default=7)
    args = parser.parse_args()
    if not 0.05 <= args.test_fraction <= 0.95:
        sys.exit(f"--test-fraction must lie between 0.05 and 0.95, not {args.test_fraction}")

    digits = load_digits()
    print(f"loaded {len(digits.target)} images of {digits.images.shape[1]} x {digits.images.shape[2]} pixels")
    train_x, test_x, train_y, test_y = train_test_split(
        digits.data / 16.0,
        digits.target,
        test_size=args.test_fraction,
        random_state=args.seed,
        stratify=digits.target,
    )
    for digit in range(10):
        print(f"digit {digit}: {np.sum(train_y == digit):4d} to train, {np.sum(test_y == digit):4d} to test")

    args.out.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(args.out / "digits.npz", train_x=train_x, train_y=train_y, test_x=test_x, test_y=test_y)
    counts = {"train_rows": len(train_y), "test_rows": len(test_y)}
    (args.out / "outputs.json").write_text(json.dumps(counts))
    print(f"wrote digits.npz: {counts['train_rows']} rows to train, {counts['test_rows']} to test")


if __name__ == "__main__":
    main()
