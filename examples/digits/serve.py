"""Answer for a trained model over HTTP: GET /health, and POST /predict with {"rows": [[64 numbers], …]}."""

import argparse
import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import joblib

MOST = 64 << 20


class Handler(BaseHTTPRequestHandler):
    """One request. ``trained`` is what train.py left."""

    trained: ClassVar[dict] = {}
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/health":
            self.answer(200, {"status": "ok", "kind": self.trained["kind"], "settings": self.trained["settings"]})
        else:
            self.answer(404, {"error": "ask GET /health, or POST /predict"})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if self.path != "/predict" or length > MOST:
            self.close_connection = True
            self.answer(404 if self.path != "/predict" else 413, {"error": "ask POST /predict, 64 MiB at most"})
            return
        try:
            rows = json.loads(self.rfile.read(length))["rows"]
            digits = [int(digit) for digit in self.trained["model"].predict(rows)]
        except (KeyError, TypeError, ValueError) as error:
            self.answer(400, {"error": f'send {{"rows": [[64 numbers from 0 to 1], …]}} ({error})'})
        else:
            self.answer(200, {"digits": digits})

    def answer(self, status: int, value: dict) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: object = "-", size: object = "-") -> None:
        if self.path != "/health":  # it is asked all the time
            super().log_request(code, size)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--host", default=os.environ.get("HOST", "0.0.0.0"))
    parser.add_argument("--model", type=Path, default=Path(__file__).with_name("model.joblib"))
    args = parser.parse_args()
    Handler.trained = joblib.load(args.model)
    port = int(os.environ.get("PORT") or args.port)  # where several replicas share a network, each has its own
    print(f"serving {Handler.trained['kind']} with {Handler.trained['settings']} on port {port}", flush=True)
    ThreadingHTTPServer((args.host, port), Handler).serve_forever()


if __name__ == "__main__":
    main()
