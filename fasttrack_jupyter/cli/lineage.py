"""``lineage``: what something was made of and what was made of it, as a tree, JSON or a graph."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from fasttrack_jupyter.api.words import ago, clean
from fasttrack_jupyter.cli import completion
from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.cli.options import json_option, pass_face
from fasttrack_jupyter.errors import BadRequest

Json = dict[str, Any]

_SHAPES = {"task": "box", "model": "cylinder", "service": "component"}
_LONGEST = 60
"""Signs of a command that a line shows."""


@click.command()
@click.argument("what", shell_complete=completion.jobs)
@click.argument("task", required=False, shell_complete=completion.tasks)
@click.option("--dot", is_flag=True, help="A graph in the language of Graphviz on stdout.")
@click.option("--backend", default="local", metavar="NAME", help="Where the model is.")
@json_option
@pass_face
def lineage(face: Face, what: str, task: str | None, dot: bool, backend: str) -> None:
    """Show what something was made of, and what was made of it.

    WHAT is a job, followed by a TASK of it or an output of the task (train.model); or a file in an outputs folder; or
    a version of a model (digits@3). What was reused is followed to the job that really made it.

    \b
    Examples:
      fasttrack lineage last train.model
      fasttrack lineage digits@latest
      fasttrack lineage ~/fasttrack/digits-a1b2c3/jobs/12/train/model.pkl
      fasttrack lineage digits#12 train --dot | dot -Tsvg > lineage.svg

    \b
    Exit status: 0, 2 if there is no such thing.
    """
    if dot and face.as_json:
        raise BadRequest("--json and --dot cannot both be had", hint="Give one of them.")
    found = face.client.lineage(**_query(what, task, backend))
    if face.as_json:
        face.json(found)
        return
    for line in _dot(found) if dot else _tree(found):
        face.say(clean(line))
    if found["truncated"]:
        face.note("there is more than is shown")


def _query(what: str, task: str | None, backend: str) -> dict[str, str]:
    if task is not None:
        return {"job": what, "task": task}
    if Path(what).exists() or "/" in what:
        return {"file": str(Path(what).expanduser().absolute())}
    if "@" in what:
        return {"model": what, "backend": backend}
    raise BadRequest(
        f"{what!r} alone does not say whose lineage is meant",
        hint="Give a job and its task, a file in an outputs folder, or a model's version such as digits@3.",
    )


def _tree(found: Json) -> Iterator[str]:
    nodes = {node["id"]: node for node in found["nodes"]}
    subject = nodes[found["subject"]]
    yield found["asked"] + (f" ({found['note']})" if found["note"] else "")
    yield from _made(subject, found["files"])
    for title, near, far in (("made of", "to", "from"), ("used by", "from", "to")):
        branches = list(_branches(found, nodes, near, far))
        if branches:
            yield title
            yield from branches


def _made(node: Json, files: list[str]) -> Iterator[str]:
    """A line or two on the one that was asked for."""
    if node["kind"] == "task":
        when = f", {ago(node['ended_at'])}" if node["ended_at"] else ""
        yield f"  made by {node['name']}, attempt {node['attempt']}, {node['result']}{when}"
    else:
        yield f"  {node['kind']} {node['name']} on {node['backend']}"
    for told in (_params(node), _place(node), _first(node["command"])):
        if told:
            yield f"  {told}"
    if files:
        yield f"  files {', '.join(files[:8])}{f' and {len(files) - 8} more' if len(files) > 8 else ''}"
    if node["reused_by"]:
        yield f"  reused by {', '.join(node['reused_by'][:8])}{' …' if len(node['reused_by']) > 8 else ''}"


def _branches(found: Json, nodes: dict[str, Json], near: str, far: str) -> Iterator[str]:
    """The tree of one direction; a node that was drawn already is named and not opened again."""
    edges: dict[str, list[Json]] = {}
    for edge in found["edges"]:
        edges.setdefault(edge[near], []).append(edge)
    drawn: set[str] = set()
    stack = [(edge, "  ", number == 0) for number, edge in enumerate(reversed(edges.get(found["subject"], [])))]
    while stack:
        edge, indent, is_last = stack.pop()
        node = nodes[edge[far]]
        again = node["id"] in drawn
        more = [] if again else edges.get(node["id"], [])
        drawn.add(node["id"])
        yield f"{indent}{'└─' if is_last else '├─'} {_branch(edge, node)}{' (as above)' if again else ''}"
        below = indent + ("   " if is_last else "│  ")
        stack += [(each, below, number == 0) for number, each in enumerate(reversed(more))]


def _branch(edge: Json, node: Json) -> str:
    taken = " ".join(filter(None, (edge["output"], f"as {edge['input']}" if edge["input"] else "")))
    through = f" ({taken})" if taken else ""
    kind = "" if node["kind"] == "task" else f"{node['kind']} "
    about = [_params(node), "" if node["result"] in (None, "SUCCESS") else node["result"]]
    told = "; ".join(filter(None, about))
    return f"{kind}{node['name']}{through}" + (f"  {told}" if told else "")


def _params(node: Json) -> str:
    return ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in node["params"].items())


def _place(node: Json) -> str:
    parts = {"image": node["image"], "code": (node["code"] or "")[:12], "commit": (node["commit"] or "")[:12]}
    return " · ".join(f"{name} {value}" for name, value in parts.items() if value)


def _first(command: str | None) -> str:
    line, _, rest = (command or "").strip().partition("\n")
    return f"$ {line[:_LONGEST]}{' …' if rest or len(line) > _LONGEST else ''}" if line else ""


def _dot(found: Json) -> Iterator[str]:
    yield "digraph lineage {"
    yield "  rankdir=LR;"
    for node in found["nodes"]:
        style = ", penwidth=2" if node["id"] == found["subject"] else ""
        yield f"  {_quoted(node['id'])} [label={_quoted(node['name'])}, shape={_SHAPES[node['kind']]}{style}];"
    for edge in found["edges"]:
        label = f" [label={_quoted(edge['output'])}]" if edge["output"] else ""
        yield f"  {_quoted(edge['from'])} -> {_quoted(edge['to'])}{label};"
    yield "}"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
