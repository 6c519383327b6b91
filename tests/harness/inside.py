"""Somebody who is inside while something happens at the door."""
import threading
import time


class Inside:
    """A client that asks on and on; `slowest` is the longest it waited for an answer."""

    def __init__(self, client):
        self.client, self.answers, self.slowest = client, 0, 0.0
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.stopped.is_set():
            begun = time.monotonic()
            assert self.client.ask("SELECT 1") == [("1",)]
            self.slowest = max(self.slowest, time.monotonic() - begun)
            self.answers += 1

    def stop(self):
        self.stopped.set()
        self.thread.join()
