"""Figures and the table that is made of them."""

import dataclasses
import json
import statistics


@dataclasses.dataclass
class Figure:
    """Some measurements of one thing: their median, and what lies between the quartiles."""
    value: float
    low: float = None
    high: float = None

    @staticmethod
    def of(values):
        values = sorted(values)
        if len(values) < 4:
            return Figure(statistics.median(values), values[0], values[-1])
        low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
        return Figure(middle, low, high)


def exact(value):
    return Figure(value)


@dataclasses.dataclass
class Row:
    """'ours' and 'peer' are names of those compared; a peer that cannot do it has no figure, and the
    remark says why."""
    what: str
    ours: str
    our_figure: Figure
    peer: str
    peer_figure: Figure
    unit: str
    more_is_better: bool = False
    ratio: Figure = None    # If it was measured as such, pair by pair.
    remark: str = ""
    part: str = ""

    def __post_init__(self):
        if self.ratio is None and self.our_figure and self.peer_figure:
            self.ratio = self._ratio()

    def _ratio(self):
        """Above 1: ours is better. None: the better one is 0."""
        good, bad = self.our_figure.value, self.peer_figure.value
        if not self.more_is_better:
            good, bad = bad, good
        if bad:
            return Figure(good / bad)
        return None if good else Figure(1.0)

    def dump(self):
        return json.dumps(dataclasses.asdict(self))

    @staticmethod
    def load(line):
        words = json.loads(line)
        for key in ("our_figure", "peer_figure", "ratio"):
            words[key] = Figure(**words[key]) if words[key] else None
        return Row(**words)


def _number(value):
    if value == int(value) and abs(value) < 1e9:
        return str(int(value))
    return f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def _figure(figure):
    if figure is None:
        return "-"
    spread = "" if figure.low is None else f" [{_number(figure.low)} {_number(figure.high)}]"
    return _number(figure.value) + spread


def _ratio(row):
    if row.ratio is None:
        return "-"
    spread = "" if row.ratio.low is None else f" [{row.ratio.low:.2f} {row.ratio.high:.2f}]"
    return f"{row.ratio.value:.3f}" + spread


def table(rows):
    """As text; the remarks are notes below it."""
    lines, notes = [["what", "ours", "", "peer", "", "ratio", "unit"]], []
    for row in rows:
        if row.remark and row.remark not in notes:
            notes.append(row.remark)
        note = f" ({notes.index(row.remark) + 1})" if row.remark else ""
        lines.append([f"{row.part}: {row.what}", row.ours, _figure(row.our_figure), row.peer,
                      _figure(row.peer_figure), _ratio(row), row.unit + note])
    widths = [max(len(line[column]) for line in lines) for column in range(7)]
    text = ["  ".join(word.ljust(width) for word, width in zip(line, widths)).rstrip() for line in lines]
    text.insert(1, "-" * max(map(len, text)))
    return "\n".join(text + [""] + [f"({number}) {note}" for number, note in enumerate(notes, 1)])
