"""Bytes between two sockets, for tests that stand in front of a database."""
import contextlib
import select
import socket
import struct
import threading


def pump(source, sink):
    try:
        while received := source.recv(65536):
            sink.sendall(received)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def forward(listener, postgres, stop):
    """Takes connections and carries their bytes to and from the database until `stop` is set."""
    listener.settimeout(0.1)
    while not stop.is_set():
        try:
            near, _ = listener.accept()
        except OSError:
            continue
        near.settimeout(None)
        far = socket.create_connection((postgres.host, postgres.port))
        for source, sink in ((near, far), (far, near)):
            threading.Thread(target=pump, args=(source, sink), daemon=True).start()


class Middleman:
    """Carries bytes between one server of a gate and the database until it is told to stop."""

    def __init__(self, postgres):
        self._postgres = postgres
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._stop = threading.Event()
        self._carrying = threading.Thread(target=self._carry)
        self._carrying.start()
        self.near = None

    @property
    def address(self):
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def _carry(self):
        self.near, _ = self._listener.accept()
        with socket.create_connection((self._postgres.host, self._postgres.port)) as far:
            ways = {self.near: far, far: self.near}
            while not self._stop.is_set():
                for source in select.select(list(ways), [], [], 0.05)[0]:
                    ways[source].sendall(source.recv(65536))

    def stop(self):
        """Both connections stay open; what is sent is not read any more."""
        self._stop.set()
        self._carrying.join()

    def cut(self):
        """The connection to the gate breaks off."""
        self.stop()
        self.near.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.near.close()

    def close(self):
        with contextlib.suppress(OSError):
            socket.create_connection(self._listener.getsockname()).close()  # if nobody ever came
        self.stop()
        self._listener.close()
        if self.near is not None:
            self.near.close()
