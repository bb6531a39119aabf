"""Says what was learned."""

import json
import sys
from pathlib import Path

model = json.loads(Path(sys.argv[1]).read_text())
print(f"y = {model['a']:.2f} x {model['b']:+.2f}, loss {float(sys.argv[2]):.4f}")
