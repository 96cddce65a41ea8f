"""The commands and their names; each imports what it needs when it runs."""

import typer

from rnnts.cli import account, begin, care, look, work

app = typer.Typer(
    name="rnnts",
    help="Point it at a table of time series; every night calibrated forecasts stand beside it.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

BEGIN = "Begin"
STEPS = "Steps of the work, in order"
LOOK = "Look"
CARE = "Care"

app.command(rich_help_panel=BEGIN)(begin.init)
app.command(rich_help_panel=BEGIN)(begin.check)

for step in work.STEPS:
    app.command(rich_help_panel=STEPS)(step)

app.command(rich_help_panel=LOOK)(look.status)
app.command(rich_help_panel=LOOK)(look.models)
app.command(rich_help_panel=LOOK)(look.decisions)
app.command(rich_help_panel=LOOK)(look.plot)
app.command(rich_help_panel=LOOK)(look.dashboard)
app.command(rich_help_panel=LOOK)(account.findings)
app.command(rich_help_panel=LOOK)(account.explain)
app.command(rich_help_panel=LOOK)(account.replay)

app.command(rich_help_panel=CARE)(care.doctor)
app.command(rich_help_panel=CARE)(care.rollback)
app.command("lr-sweep", rich_help_panel=CARE)(care.lr_sweep)
app.add_typer(care.db, rich_help_panel=CARE)
