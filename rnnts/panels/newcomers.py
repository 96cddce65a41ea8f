"""Series that nobody knew before, and which of them are perhaps old ones under a new name."""

from collections import Counter
from collections.abc import Collection, Sequence

from rnnts.findings import Finding
from rnnts.panels.panel import SeriesInfo

GAP = 2
"""Steps within which one series must follow another to look like the same."""


def newcomers(
    panel: str, infos: Sequence[SeriesInfo], known: Collection[str], watermark: int
) -> list[Finding]:
    """SERIES_NEW and SERIES_RENAMED; nothing at the first snapshot, where all are new.

    Args:
        panel: Its name.
        infos: The series of a snapshot.
        known: Ids that were known before.
        watermark: Newest step of the snapshot.
    """
    new = [info for info in infos if info.series_id not in known]
    if not known or not new:
        return []
    ended = [info for info in infos if info.series_id in known and info.last < watermark]
    before = {
        info.series_id: [old.series_id for old in ended if 0 < info.first - old.last <= GAP]
        for info in new
    }
    claimed = Counter(name for names in before.values() for name in names)
    found = [_new(panel, info) for info in new]
    for info in new:
        names = before[info.series_id]
        if len(names) == 1 and claimed[names[0]] == 1:
            found.append(_renamed(panel, info.series_id, names[0]))
    return found


def _new(panel: str, info: SeriesInfo) -> Finding:
    return Finding(
        "SERIES_NEW",
        "info",
        panel,
        "not seen before; forecast by what its history allows until the network can",
        "nothing to do",
        info.series_id,
    )


def _renamed(panel: str, series_id: str, old: str) -> Finding:
    return Finding(
        "SERIES_RENAMED",
        "info",
        panel,
        f"begins where {old!r} ended: perhaps the same under a new name (a guess)",
        "if so, give its rows one name in source.query; rnnts never joins series by itself",
        series_id,
    )
