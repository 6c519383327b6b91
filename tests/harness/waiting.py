"""Waiting for something to become true, with an end. Tests never sleep for luck."""
import time


def eventually(condition, timeout=15.0, what="the condition"):
    """Polls until `condition()` is true and returns its value; fails the test after `timeout`."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come about within {timeout} s")
        time.sleep(0.01)
