"""A proxy on loopback between a client and a PostgreSQL server that knows where messages begin, in
both directions, and does harm at one of these boundaries or from it on. Without TLS and GSS."""
import contextlib
import socket
import struct
import threading
import time

DELAY = 0.3  # seconds


class Lost(Exception):
    """The connection is to be closed."""


class Reader:
    """Takes whole messages from a socket."""

    def __init__(self, source, typed):
        self.source, self.typed, self.bytes = source, typed, b""

    def take(self, n):
        while len(self.bytes) < n:
            chunk = self.source.recv(65536)
            if not chunk:
                raise Lost
            self.bytes += chunk
        taken, self.bytes = self.bytes[:n], self.bytes[n:]
        return taken

    def message(self):
        """The first one of a client has no type."""
        head = self.take(5 if self.typed else 4)
        self.typed = True
        return head + self.take(struct.unpack("!I", head[-4:])[0] - 4)


class Proxy:
    """What happens when message number `at`, from 0 and over all connections, is to be passed on:

    cut    the connection ends before it
    tear   the connection ends in the middle of it
    stall  the connection passes nothing on any more
    delay  the message comes late
    gone   every connection ends, and there will be no other
    mute   no connection passes anything on any more
    """

    def __init__(self, port, fault=None, at=None):
        self.server, self.fault, self.at = port, fault, at
        self.n = 0  # messages so far
        self.lock = threading.Lock()
        self.lasting = None  # "gone" or "mute" once it is so
        self.ends = set()  # sockets that are open
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.end_all()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.lasting == "gone":
                client.close()
                continue
            server = socket.create_connection(("127.0.0.1", self.server))
            for end in (client, server):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.ends.update((client, server))
            link = Link(self, client, server)
            for pump in (link.from_client, link.from_server):
                threading.Thread(target=pump, daemon=True).start()

    def end_all(self):
        with self.lock:
            ends = list(self.ends)
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def next_fault(self):
        """What happens to the message in hand."""
        with self.lock:
            hit = self.n == self.at
            self.n += 1
        if hit and self.fault in ("gone", "mute"):
            self.lasting = self.fault
        if self.lasting == "gone":
            self.end_all()
        return self.lasting or (self.fault if hit else None)


class Link:
    """One connection."""

    def __init__(self, proxy, client, server):
        self.proxy, self.client, self.server = proxy, client, server
        self.stalled = False

    def from_client(self):
        self.pump(self.client, self.server, typed=False)

    def from_server(self):
        self.pump(self.server, self.client, typed=True)

    def pump(self, source, target, typed):
        reader = Reader(source, typed)
        try:
            while True:
                self.pass_on(reader.message(), target)
        except (Lost, OSError):
            pass
        for end in (self.client, self.server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        source.close()
        with self.proxy.lock:
            self.proxy.ends.discard(source)

    def pass_on(self, message, target):
        fault = self.proxy.next_fault()
        if fault == "tear":
            target.sendall(message[:(len(message) + 1) // 2])
        if fault in ("cut", "tear", "gone"):
            raise Lost
        if fault == "delay":
            time.sleep(DELAY)
        if fault in ("stall", "mute"):
            self.stalled = True
        if not self.stalled:
            target.sendall(message)
