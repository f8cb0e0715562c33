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

    def rows(self, ours=tuple(machines.OURS), peers=tuple(machines.PEERS)):
        for what, unit in self._units.items():
            for our in ours:
                for peer in peers:
                    keys = (what, our.name), (what, peer.name)
                    figures = [self._figures.get(key) for key in keys]
                    remarks = [f"{name}: {self._remarks[what, name]}" for _, name in keys
                               if (what, name) in self._remarks]
                    if any(figures) or remarks:
                        yield Row(what, our.name, figures[0], peer.name, figures[1], unit,
                                  remark="; ".join(remarks))
