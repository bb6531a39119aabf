"""``models deploy``: a pipeline of one deployment task, made and run."""

from __future__ import annotations

import os
from typing import Any

import click

from fasttrack_jupyter.api.environ import use_environ
from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.cli.models_words import asked, backend_option, numbered, place_of
from fasttrack_jupyter.cli.options import json_option, pass_face
from fasttrack_jupyter.cli.run import follow_options, go_on
from fasttrack_jupyter.errors import BadRequest

Json = dict[str, Any]


@click.command("deploy")
@click.argument("model", metavar="NAME[@VERSION]")
@click.option("--service", metavar="NAME", help="Of the service; one that is there rolls over to this version.  "
              "[default: the model's name]")  # fmt: skip
@click.option("--image", help="The image of each replica; by default the one that the version was made in.")
@click.option("--replicas", default=1, show_default=True, type=click.IntRange(0, 1000), help="How many serve.")
@click.option("--cpu", metavar="N", help="Of each replica.")
@click.option("--mem", metavar="SIZE", help="Of each replica, such as 2g.")
@click.option("--slot", "slots", multiple=True, metavar="NAME=AMOUNT", help="Another resource slot (may be repeated).")
@click.option("--definition", metavar="PATH", help="The model definition in the version's folder.  "
              "[default: model-definition.yaml]")  # fmt: skip
@click.option("--public", is_flag=True, help="It answers without a token.")
@backend_option
@follow_options
@json_option
@pass_face
def deploy(
    face: Face, model: str, service: str | None, image: str | None, replicas: int, cpu: str | None, mem: str | None,
    slots: tuple[str, ...], definition: str | None, public: bool, backend: str | None, detach: bool, quiet: bool,
) -> None:  # fmt: skip
    """Serve a version of a model: a job with one deployment task.

    The same command with another version brings the service to it, replica by replica.

    \b
    Examples:
      fasttrack models deploy digits
      fasttrack models deploy digits@2 --service digits-test --replicas 2 --cpu 1 --mem 2g
      fasttrack models deploy digits@production --service digits --image cr.backend.ai/stable/python:3.11

    \b
    Exit status: 0 it serves (or --detach), 1 failure, 2 refused, 3 cancelled, 130 interrupted.
    """
    name, word = asked(model)
    place = place_of(face, name, backend)
    found = face.client.model(place, name)
    number = numbered(found, word)
    version = next(one for one in found["versions"] if one["version"] == number)
    serving: Json = {"name": service or name[:24], "model": f"{name}@{number}", "replicas": replicas}
    serving |= {"open_to_public": True} if public else {}
    serving |= {"model_definition_path": definition} if definition else {}
    task: Json = {"name": "serve", "type": "deployment", "service": serving}
    if image := image or version["lineage"]["image"]:
        task["environment"] = {"image": image}
    if resources := _resources(cpu, mem, slots):
        task["resources"] = resources
    _run(face, {"name": f"deploy-{serving['name']}", "tasks": [task]}, place, detach=detach, quiet=quiet)


def _run(face: Face, pipeline: Json, backend: str, *, detach: bool, quiet: bool) -> None:
    import yaml

    text = yaml.safe_dump(pipeline, sort_keys=False, allow_unicode=True)
    use_environ(face.client, backend, os.environ)
    go_on(face, face.client.run({"text": text, "backend": backend}), detach=detach, quiet=quiet)


def _resources(cpu: str | None, mem: str | None, slots: tuple[str, ...]) -> Json:
    found = {key: value for key, value in (("cpu", cpu), ("mem", mem)) if value}
    for text in slots:
        key, sign, amount = text.partition("=")
        if not (key and sign and amount):
            raise BadRequest(f"--slot {text} is no NAME=AMOUNT", hint="such as --slot cuda.device=1")
        found[key] = amount
    return found
