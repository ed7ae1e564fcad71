"""`megaasr corpus`: make a training corpus from clean recordings, with one command per step."""

from __future__ import annotations

import typer

from megaasr import hookimpl

from .buckets import buckets
from .fetch import fetch
from .filter import filter_
from .label import label
from .plan import plan
from .render import render
from .rl import rl
from .stats import stats

corpus = typer.Typer(
    name="corpus",
    help="Make a training corpus: plan recipes, render them, label and select rows.",
    rich_markup_mode=None,
)
corpus.command()(fetch)
corpus.command()(plan)
corpus.command()(render)
corpus.command()(label)
corpus.command(name="filter")(filter_)
corpus.command()(buckets)
corpus.command()(rl)
corpus.command()(stats)


@hookimpl
def register_commands(app: typer.Typer) -> None:
    app.add_typer(corpus)
