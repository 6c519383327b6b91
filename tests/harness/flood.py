#!/usr/bin/python3
"""A crowd at the door: opens many connections at once, asks each to log in without a password, and
keeps those that get in until its standard input ends.

Usage: flood.py HOST PORT USER DATABASE COUNT     prints one JSON object: outcome -> how many, where
an outcome is "in", an SQLSTATE, or how the connection ended without a word.
"""
import collections
import json
import resource
import select
import socket
import struct
import sys
import time

DEADLINE_S = 60
READY_FOR_QUERY = b"Z\0\0\0\x05I"


def startup_packet(user, database):
    body = struct.pack("!I", 3 << 16)
    for text in ("user", user, "database", database):
        body += text.encode() + b"\0"
    return struct.pack("!I", len(body) + 5) + body + b"\0"


def sqlstate_of(answer):
    fields = answer[5:].split(b"\0")
    return next((field[1:].decode() for field in fields if field[:1] == b"C"), "an odd error")


class Crowd:
    def __init__(self, address, startup):
        self.address, self.startup = address, startup
        self.poller = select.epoll()
        self.waiting = {}  # descriptor -> (socket, what it was answered so far)
        self.inside = []
        self.outcomes = collections.Counter()

    def call(self):
        stranger = socket.socket()
        stranger.setblocking(False)
        stranger.connect_ex(self.address)
        self.waiting[stranger.fileno()] = (stranger, b"")
        self.poller.register(stranger, select.EPOLLOUT)

    def finish(self, descriptor, outcome):
        stranger, _ = self.waiting.pop(descriptor)
        self.outcomes[outcome] += 1
        self.poller.unregister(descriptor)
        if outcome == "in":
            self.inside.append(stranger)
        else:
            stranger.close()

    def step(self, descriptor, events):
        stranger, answer = self.waiting[descriptor]
        try:
            if events & select.EPOLLOUT:
                self.poller.modify(descriptor, select.EPOLLIN)
                stranger.send(self.startup)
                return
        except OSError:
            pass  # it was closed already; its last words are still to be read
        try:
            received = stranger.recv(4096)
        except BlockingIOError:
            return
        except OSError as error:
            return self.finish(descriptor, type(error).__name__)
        answer += received
        self.waiting[descriptor] = (stranger, answer)
        if answer.endswith(READY_FOR_QUERY):
            self.finish(descriptor, "in")
        elif answer[:1] == b"E":
            self.finish(descriptor, sqlstate_of(answer))
        elif not received:
            self.finish(descriptor, "closed")

    def run(self, count):
        for _ in range(count):
            self.call()
        end = time.monotonic() + DEADLINE_S
        while self.waiting and time.monotonic() < end:
            for descriptor, events in self.poller.poll(1):
                self.step(descriptor, events)
        self.outcomes["no answer"] = len(self.waiting)


def main():
    host, port, user, database, count = sys.argv[1:]
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    crowd = Crowd((host, int(port)), startup_packet(user, database))
    crowd.run(int(count))
    print(json.dumps(+crowd.outcomes), flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
