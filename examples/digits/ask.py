"""Ask a service that serve.py is behind for all test rows, and write how many of its answers are right."""

import argparse
import json
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np


def predict(endpoint: str, token: str, rows: list) -> list:
    """The digits that the service reads in ``rows``."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"BackendAI {token}"} if token else {})}
    body = json.dumps({"rows": rows}).encode()
    request = urllib.request.Request(f"{endpoint.rstrip('/')}/predict", body, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["digits"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--endpoint", required=True, help="URL of the service")
    parser.add_argument("--data", type=Path, required=True, help="digits.npz of prepare.py")
    parser.add_argument("--out", type=Path, required=True, help="folder for outputs.json")
    parser.add_argument("--token", default="", help="of a service that is not open to the public")
    parser.add_argument("--batch", type=int, default=50, help="rows in one request")
    args = parser.parse_args()

    with np.load(args.data) as data:
        x, y = data["test_x"], data["test_y"]
    right, began = 0, time.monotonic()
    for start in range(0, len(y), args.batch):
        rows = x[start : start + args.batch].tolist()
        try:
            digits = predict(args.endpoint, args.token, rows)
        except urllib.error.URLError as error:
            sys.exit(f"{args.endpoint} does not answer: {error}")
        right += int(np.sum(np.array(digits) == y[start : start + args.batch]))
    seconds = time.monotonic() - began
    print(f"{right} of {len(y)} right, {len(y) / seconds:.0f} rows a second, by {args.endpoint}")
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "outputs.json").write_text(json.dumps({"accuracy": round(right / len(y), 6)}))


if __name__ == "__main__":
    main()
