"""Make report.html, one self-contained page, from what evaluate.py found."""

import argparse
import base64
import json
import shutil
import sys
from html import escape
from pathlib import Path

import numpy as np

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; --page: #f6f7f9; --card: #ffffff; --ink: #1c2430; --soft: #5c6877; --line: #dfe4ea;
  --bar: #9db4cc; --best: #2f6fb3; --bad: #b3261e; }}
@media (prefers-color-scheme: dark) {{ :root {{ --page: #12161c; --card: #1b212a; --ink: #e6ebf2; --soft: #98a4b3;
  --line: #2c3541; --bar: #4a6078; --best: #6aa9ec; --bad: #ff8a80; }} }}
body {{ margin: 0; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }}
main {{ max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.25rem; }}
h1 {{ font-size: 1.9rem; line-height: 1.2; margin: 0 0 .3rem; }} h2 {{ font-size: 1.1rem; margin: 0 0 .8rem; }}
.lead, figcaption, .note {{ color: var(--soft); }}
section {{ background: var(--card); border: 1px solid var(--line); border-radius: 12px; }}
section {{ padding: 1.25rem; margin-top: 1.25rem; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; padding: .45rem .5rem; border-bottom: 1px solid var(--line); }}
th {{ color: var(--soft); font-weight: 500; }}
td.n, th.n {{ text-align: right; font-variant-numeric: tabular-nums; }}
.bar {{ background: var(--bar); height: .7rem; border-radius: 4px; }}
.best {{ font-weight: 600; }} .best .bar {{ background: var(--best); }}
.matrix td {{ text-align: center; border: 0; border-radius: 6px; padding: .3rem; }}
.matrix th {{ text-align: center; border: 0; padding: .3rem; }}
.miss {{ color: var(--bad); font-weight: 600; }}
.gallery {{ display: flex; flex-wrap: wrap; gap: 1rem; }} figure {{ margin: 0; text-align: center; font-size: .85rem; }}
svg {{ width: 5rem; height: 5rem; border-radius: 6px; background: #fff; border: 1px solid var(--line); }}
</style></head><body><main>
<h1>{title}</h1>
<p class="lead">{lead}</p>
<section><h2>Models</h2><table><thead><tr><th>model</th><th>settings</th><th></th><th class="n">right</th>
<th class="n">macro F1</th><th class="n">wrong</th></tr></thead><tbody>{rows}</tbody></table>
<p class="note">The bars begin at {floor:.0%}.</p></section>
<section><h2>What {best} read</h2><table class="matrix">{matrix}</table>
<p class="note">Down: the digit that was written. Across: the digit that the model read.</p></section>
<section><h2>Every misread digit</h2><div class="gallery">{gallery}</div></section>
<p class="note">Data: the handwritten digits bundled with scikit-learn (UCI Optical Recognition of Handwritten Digits).
<a download="metrics.json" href="data:application/json;base64,{metrics}">metrics.json</a>{job}</p>
</main></body></html>
"""


def model_rows(models, best, floor):
    """One table row per model, the best first."""
    for kind, m in sorted(models.items(), key=lambda item: -item[1]["accuracy"]):
        width = 100 * (m["accuracy"] - floor) / (1 - floor)
        yield (
            f'<tr class="{"best" if kind == best else ""}"><td>{escape(kind)}</td><td>{escape(m["settings"])}</td>'
            f'<td style="width:30%"><div class="bar" style="width:{width:.1f}%"></div></td>'
            f'<td class="n">{m["accuracy"]:.2%}</td><td class="n">{m["macro_f1"]:.4f}</td>'
            f'<td class="n">{m["wrong"]}</td></tr>'
        )


def matrix_rows(matrix):
    """The confusion matrix as a table that follows the page's colours."""
    most = max(max(row) for row in matrix)
    yield "<tr><th></th>" + "".join(f"<th>{digit}</th>" for digit in range(10)) + "</tr>"
    for written, row in enumerate(matrix):
        cells = []
        for read, count in enumerate(row):
            shade = f"background:color-mix(in srgb, var(--best) {count / most * 45:.0f}%, transparent)" if count else ""
            style = "miss" if count and read != written else ""
            cells.append(f'<td class="{style}" style="{shade}">{count or "·"}</td>')
        yield f"<tr><th>{written}</th>{''.join(cells)}</tr>"


def digit_figure(pixels, written, read):
    """An 8 x 8 image as SVG squares, with its caption."""
    squares = "".join(
        f'<rect x="{index % 8}" y="{index // 8}" width="1.02" height="1.02" fill-opacity="{ink:.3f}"/>'
        for index, ink in enumerate(pixels)
        if ink > 0
    )
    return (
        f'<figure><svg viewBox="0 0 8 8" role="img" aria-label="a {written} read as {read}">{squares}</svg>'
        f"<figcaption>{written}, read as {read}</figcaption></figure>"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("evaluation", type=Path, help="the folder that evaluate.py wrote")
    parser.add_argument("--title", default="Handwritten digits")
    parser.add_argument("--job", default="", help="the pipeline job's id, for the foot of the page")
    parser.add_argument("--out", type=Path, required=True, help="folder for the report and what belongs to it")
    args = parser.parse_args()
    source = args.evaluation / "metrics.json"
    if not source.is_file():
        sys.exit(f"there is no {source}: run evaluate.py first")

    metrics = json.loads(source.read_text())
    best = metrics["best"]
    with np.load(args.evaluation / "mistakes.npz") as data:
        mistakes = list(zip(data["images"], data["written"], data["read"]))
    floor = max(0.0, min(m["accuracy"] for m in metrics["models"].values()) - 0.05)
    page = PAGE.format(
        title=escape(args.title),
        lead=escape(
            f"{best} reads {metrics['models'][best]['accuracy']:.2%} of {metrics['rows']} unseen digits right."
        ),
        rows="".join(model_rows(metrics["models"], best, floor)),
        floor=floor,
        best=escape(best),
        matrix="".join(matrix_rows(metrics["confusion"])),
        gallery="".join(digit_figure(*mistake) for mistake in mistakes) or "None.",
        job=escape(f" Pipeline job {args.job}.") if args.job else "",
        metrics=base64.b64encode(source.read_bytes()).decode(),
    )
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "report.html").write_text(page, encoding="utf-8")
    for name in ("metrics.json", "confusion.png"):
        shutil.copyfile(args.evaluation / name, args.out / name)
    print(f"wrote report.html ({len(page) / 1024:.0f} KB), metrics.json and confusion.png")


if __name__ == "__main__":
    main()
