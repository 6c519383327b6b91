"""Clients that write down what they were promised, to be compared with what the database has."""
import threading

from harness.wire import SYNC, ServerError, bind, execute, parse, query

TABLE = "CREATE TABLE ledger (client int, entry int, half int)"
COMPLETE = ("SELECT client, entry FROM ledger GROUP BY client, entry HAVING count(*) = 2"
            " ORDER BY client, entry")
TORN = "SELECT client, entry FROM ledger GROUP BY client, entry HAVING count(*) <> 2"


def simple(text):
    return query(text)


def extended(text):
    return parse("", text) + bind("", "") + execute() + SYNC


class Writer(threading.Thread):
    """Writes entries of two rows, each in a transaction of its own, until it meets an error.

    `promised` are the entries whose COMMIT was answered, `unknown` one whose COMMIT was sent and got
    no answer; `error` is what ended it, and `at` the step it ended in.
    """

    def __init__(self, number, client, request=simple):
        super().__init__()
        self.number, self.client, self.request = number, client, request
        self.promised, self.unknown = [], []
        self.error = self.at = None

    def run(self):
        entry = 0
        try:
            while True:
                entry += 1
                self.write(entry)
        except ServerError as error:
            self.error = error.sqlstate
        except OSError as error:
            self.error = repr(error)
        except EOFError:
            self.error = "the end without a word"

    def write(self, entry):
        self.step("begin", "BEGIN")
        for half in (1, 2):
            self.step("inside", f"INSERT INTO ledger VALUES ({self.number}, {entry}, {half})")
        self.unknown = [(self.number, entry)]
        self.step("commit", "COMMIT")
        self.promised.append((self.number, entry))
        self.unknown = []

    def step(self, name, text):
        self.at = name
        self.client.send(self.request(text))
        self.client.answer()
