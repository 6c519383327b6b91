"""Bytes between two sockets, for tests that stand in front of a database."""
import socket


def pump(source, sink):
    try:
        while received := source.recv(65536):
            sink.sendall(received)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass
