"""Where on the emulator's bus the ends of a pair of adapters are: known to who starts it and, inside,
to who looks for them."""

ENDS = ("near", "far")
_FIRST, _LAST = 8, 30  # What the machine has itself comes before and after.
PAIRS = (_LAST - _FIRST) // 2


def slot(end, number):
    """Of the pair 'number', from 1."""
    if not 1 <= number <= PAIRS:
        raise ValueError(f"there are at most {PAIRS} pairs of adapters")
    return _FIRST + 2 * (number - 1) + ENDS.index(end)
