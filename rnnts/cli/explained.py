"""An explanation in words, for whoever is on call: short lines, the answer before the evidence."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from rnnts.cli.output import console, table
from rnnts.steps.explanation import Change, Explanation, Inputs, Model

METHODS = {
    "network": "network, the champion",
    "network_previous": "network_previous, the champion before: the newer one cannot be used",
    "baseline": "baseline, which the gate chose for this series: its values of {days} earlier",
    "seasonal_naive": "seasonal_naive, a fallback: its values of one season earlier",
    "last_value": "last_value, a fallback: its last value for every target",
    "profile": "profile, a fallback: what the panel's other series do at that time",
}
INDENT = " " * 12


def print_explanation(found: Explanation, *, targets: bool) -> None:
    """Print it; with `targets` also how each target time changed."""
    for line in _head(found):
        console().print(line, soft_wrap=True)
    _print_alike(found)
    console().print()
    if found.change is None:
        console().print(f"Not held against the issue before: {found.no_change}", soft_wrap=True)
        return
    _print_change(found, found.change, targets=targets)


def _head(found: Explanation) -> Iterator[str]:
    at = _at(found.issued_at, found)
    issue = f"publication {found.publication}, {found.kind}, {found.status}"
    yield f"{found.panel} / {found.series_id}, issued {at} ({issue})"
    yield ""
    yield _line(
        "Forecast",
        f"{_number(float(np.mean(found.point)))} on average over {len(found.point)} steps, "
        f"{_at(found.targets[0], found)} to {_at(found.targets[-1], found)}",
    )
    days = "a day" if found.baseline_days == 1 else f"{found.baseline_days} days"
    yield _line("Method", METHODS[found.method].format(days=days))
    for reason in found.reasons:
        scope = " (whole panel)" if reason.of_panel else ""
        yield _line("", f"{reason.code}{scope}: {reason.evidence}; {reason.remedy}")
    yield _line("Quality", f"{found.quality}: {found.quality_why}")
    yield _line("Model", _model(found.model, found))
    yield from _inputs(found.inputs, found)
    yield from _ranges(found)
    if found.made_elsewhere:
        yield _line("Machine", f"not as it was that night: {'; '.join(found.made_elsewhere)}")


def _model(model: Model | None, found: Explanation) -> str:
    if model is None:
        return "no network: a plain method serves every series of the panel"
    since = f" since {_at(model.effective_from, found)}" if model.effective_from else ""
    used = found.method in {"network", "network_previous"}
    unused = "" if used else "; it did not make this forecast"
    trained = f"trained on data as of {_at(model.trained_as_of, found)}"
    return f"{model.version_id[:12]}, {model.role}{since}, {trained}{unused}"


def _inputs(inputs: Inputs, found: Explanation) -> Iterator[str]:
    yield _line(
        "Inputs",
        f"snapshot {inputs.snapshot_id[:12]}, data up to {_at(inputs.watermark, found)}",
    )
    newest = "no observation of this series"
    if inputs.newest is not None:
        newest = f"newest observation of this series {_at(inputs.newest, found)}"
        newest += f", {_steps(inputs.age)} before the first target" if inputs.age else ""
    yield _line("", newest)
    share = 100 * inputs.unseen / inputs.window
    window = f"window of {inputs.window} steps: {inputs.unseen} without a value ({share:.0f} %)"
    if inputs.missing:
        window += f", {inputs.missing} of them gaps, which the network fills"
    if inputs.history < inputs.window:
        window += f"; its history has only {_steps(inputs.history)}"
    yield _line("", window)


def _ranges(found: Explanation) -> Iterator[str]:
    name = "Ranges"
    for one in found.ranges:
        text = f"the {100 * one.share:g} % range is {_number(one.published)} wide on average"
        if one.network is not None and one.calibrated is not None:
            more = 100 * (one.calibrated / one.network - 1) if one.network > 0 else 0.0
            text += f": the network's own {_number(one.network)}, "
            text += f"calibrated {_number(one.calibrated)} ({more:+.0f} %)"
            if one.published > one.calibrated and found.widened:
                text += f", then {_number(one.published)} because the newest observation is old"
            elif one.published < one.calibrated:
                text += f", then {_number(one.published)} inside what the panel's values can be"
        yield _line(name, text)
        name = ""
    model = found.model
    if model is None:
        return
    if model.calibration_id is None:
        yield _line(name, "no calibration yet: ranges are the network's own")
    else:
        at = (
            "" if model.calibrated_as_of is None else f" as of {_at(model.calibrated_as_of, found)}"
        )
        errors = "" if model.errors is None else f", learnt from {model.errors:,} errors"
        yield _line(name, f"calibration {model.calibration_id[:12]}{at}{errors}")


def _print_alike(found: Explanation) -> None:
    console().print()
    if not found.alike:
        console().print("Nothing to compare with: there is too little history before this forecast")
        return
    stretch = found.alike[0].last - found.alike[0].first
    weeks = timedelta(days=6) <= stretch <= timedelta(days=7)
    what = "The past weeks most like the last one" if weeks else "The past most like the present"
    console().print(
        f"{what}, and what came after (distance 1: as far apart as one season usually is from the "
        "next)",
        soft_wrap=True,
    )
    table(
        [f"from ({found.timezone})", "to", "distance", "mean after it", "this forecast"],
        [
            [
                _clock(one.first, found),
                _clock(one.last, found),
                f"{one.distance:.2f}",
                _number(one.mean_after),
                _number(float(np.mean(found.point))),
            ]
            for one in found.alike
        ],
    )


def _print_change(found: Explanation, change: Change, *, targets: bool) -> None:
    console().print(
        f"Against the issue before (publication {change.publication}, "
        f"{_at(change.issued_at, found)}), over the {len(change.targets)} target times of both: "
        f"mean {_number(change.mean_before)}, now {_number(change.mean_now)}",
        soft_wrap=True,
    )
    if change.method_before != change.method_now:
        console().print(f"served by {change.method_before} then, by {change.method_now} now")
    ranges = change.range_80_before is not None and change.range_80_now is not None
    whole = ["in all", _signed(change.mean)]
    if change.range_80_before is not None and change.range_80_now is not None:
        whole.append(_signed(change.range_80_now - change.range_80_before))
    table(
        ["because of", "mean", *(["80 % range's width"] if ranges else []), "what changed"],
        [
            *(
                [
                    part.name,
                    _signed(part.mean),
                    *([_signed(part.range_80 or 0.0)] if ranges else []),
                    part.what,
                ]
                for part in change.parts
            ),
            [*whole, "" if change.parts else "nothing"],
        ],
    )
    if targets:
        _print_targets(found, change)


def _print_targets(found: Explanation, change: Change) -> None:
    """A line for each target time."""
    names = [part.name for part in change.parts]
    table(
        [f"target ({found.timezone})", "before", "now", *names],
        [
            [
                _clock(change.targets[place], found),
                _number(change.before[place]),
                _number(change.now[place]),
                *(_signed(part.by_target[place]) for part in change.parts),
            ]
            for place in range(len(change.targets))
        ],
    )


def _line(name: str, text: str) -> str:
    return f"{name:<{len(INDENT)}}{text}".rstrip()


def _at(instant: datetime, found: Explanation) -> str:
    local = instant.astimezone(ZoneInfo(found.timezone))
    return local.isoformat(sep=" ", timespec="minutes")


def _clock(instant: datetime, found: Explanation) -> str:
    """An instant without its offset, for columns whose title names the zone."""
    return instant.astimezone(ZoneInfo(found.timezone)).strftime("%Y-%m-%d %H:%M")


def _steps(count: int) -> str:
    return f"{count:,} step{'' if count == 1 else 's'}"


def _number(value: float) -> str:
    return f"{value:.4g}"


def _signed(value: float) -> str:
    return f"{value:+.3g}" if value else "0"
