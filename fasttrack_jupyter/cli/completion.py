"""Words that a shell completes: jobs and task names. Trouble completes nothing.

An engine is started if none runs: it ends soon after the last call, and the command being typed needs it anyway.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from fasttrack_jupyter.api.words import job_word
from fasttrack_jupyter.cli.face import Face
from fasttrack_jupyter.errors import FastTrackError

if TYPE_CHECKING:
    from fasttrack_jupyter.api.client import Client

_MOST = 50


def jobs(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """``last`` and ``name#index`` of recent jobs."""

    def ask(client: Client) -> list[str]:
        return ["last", *map(job_word, client.jobs(limit=_MOST))]

    return [word for word in _quietly(ctx, ask) if word.startswith(incomplete)]


def tasks(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """The task instances of the job that was typed before."""
    job = ctx.params.get("job")
    if not isinstance(job, str):
        return []

    def ask(client: Client) -> list[str]:
        return [str(task["path"]) for task in client.job(job)["tasks"]]

    return [path for path in _quietly(ctx, ask) if path.startswith(incomplete)][:_MOST]


def backends(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Where jobs can run."""

    def ask(client: Client) -> list[str]:
        return [str(name) for name in client.info()["backends"]]

    return [name for name in _quietly(ctx, ask) if name.startswith(incomplete)]


def _quietly(ctx: click.Context, ask: Callable[[Client], list[str]]) -> list[str]:
    face = ctx.find_object(Face) or Face(home=ctx.find_root().params.get("home"))
    try:
        return ask(face.client)
    except FastTrackError:
        return []
    finally:
        face.close()
