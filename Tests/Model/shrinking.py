"""Makes a schedule on which Redis and the model differ as short as taking steps away makes it. Before it: running.py."""
from running import Difference


def differs(runner, schedule):
    try:
        runner.run(schedule, each=True)
    except Difference as difference:
        return difference
    return None


def shrink(runner, schedule):
    """The shortest schedule found, and its difference; None if it does not happen again."""
    difference = differs(runner, schedule)
    if difference is None:
        return schedule, None
    schedule = schedule[:difference.step + 1]
    size = max(1, len(schedule) // 2)
    while True:
        shorter, i = False, 0
        while i < len(schedule):
            attempt = schedule[:i] + schedule[i + size:]
            found = differs(runner, attempt) if attempt else None
            if found:
                schedule, difference, shorter = attempt[:found.step + 1], found, True
            else:
                i += size
        if size == 1 and not shorter:
            return schedule, difference
        if not shorter:
            size = max(1, size // 2)
