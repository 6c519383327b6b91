"""The number of servers as the database itself sees it."""
import threading


class Sampler(threading.Thread):
    """Asks pg_stat_activity over and over; `most` is the highest number of servers ever seen."""

    def __init__(self, database):
        super().__init__()
        self.database = database
        self.most = self.samples = 0
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.is_set():
            self.most = max(self.most, len(self.database.servers()))
            self.samples += 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.join()
