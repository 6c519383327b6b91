"""Makes a parley that fails as small as it can be."""
from harness.sounds import messages_of
from harness.twins import Step


def shrink(events, still_fails):
    """First whole steps are left out, then single messages."""
    events = without_needless(events, still_fails)
    for at, event in reversed(list(enumerate(events))):
        def with_messages(messages):
            return [*events[:at], event._replace(step=Step(*messages)), *events[at + 1:]]
        messages = without_needless(messages_of(event.step.bytes), lambda some:
                                    some and still_fails(with_messages(some)))
        events = with_messages(messages)
    return events


def without_needless(things, still_fails):
    """Leaves out halves, quarters, ... as long as what is left still fails."""
    size = max(1, len(things) // 2)
    while size >= 1:
        at = 0
        while at < len(things):
            fewer = things[:at] + things[at + size:]
            if still_fails(fewer):
                things = fewer
            else:
                at += size
        size //= 2
    return things
