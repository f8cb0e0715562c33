"""Figures of several programs for the same things, as rows: each of ours against each peer."""

from bench import machines
from bench.row import Row
from lab import LabError


class Board:
    def __init__(self, unit_of):
        """'unit_of': what was measured -> its unit."""
        self._units = unit_of
        self._figures, self._remarks = {}, {}

    def put(self, what, kind, figure):
        self._figures[what, kind.name] = figure

    def cannot(self, what, kind, remark):
        """Why there is no figure, or what to know of it."""
        self._remarks[what, kind.name] = remark

    def fill(self, session, measure, kinds=tuple(machines.ALL)):
        """measure(session, board, kind) for each of them; one that fails spoils nobody else's figures."""
        for kind in kinds:
            try:
                measure(session, self, kind)
            except (LabError, OSError) as error:
                session.say(f"{kind.name}: {error}")
                for what in self._units:
                    if (what, kind.name) not in self._figures:
                        self.cannot(what, kind, str(error).splitlines()[0])

    def _knows(self, what, kind):
        return (what, kind.name) in self._figures or (what, kind.name) in self._remarks

    def _row(self, what, our, peer):
        keys = [(what, kind.name) for kind in (our, peer) if kind]
        remarks = [f"{key[1]}: {self._remarks[key]}" for key in keys if key in self._remarks]
        return Row(what, our.name, self._figures.get(keys[0]), peer.name if peer else "none",
                   self._figures.get(keys[1]) if peer else None, self._units[what], remark="; ".join(remarks))

    def rows(self, ours=tuple(machines.OURS), peers=tuple(machines.PEERS)):
        """What none of the peers has is one row for each of ours."""
        for what in self._units:
            against = [peer for peer in peers if self._knows(what, peer)] or [None]
            for our in ours:
                if self._knows(what, our):
                    yield from (self._row(what, our, peer) for peer in against)
