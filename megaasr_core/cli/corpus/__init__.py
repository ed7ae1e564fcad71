"""`megaasr corpus`: from clean recordings to a training corpus, one command a step."""

from __future__ import annotations

import typer

from .buckets import buckets
from .fetch import fetch
from .filter import filter_
from .label import label
from .plan import plan
from .render import render
from .stats import stats

app = typer.Typer(
    name="corpus",
    help="Make a training corpus: plan recipes, render them, label and choose.",
    rich_markup_mode=None,
)
app.command()(fetch)
app.command()(plan)
app.command()(render)
app.command()(label)
app.command(name="filter")(filter_)
app.command()(buckets)
app.command()(stats)
