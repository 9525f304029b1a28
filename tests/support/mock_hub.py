"""A small Hub on loopback, and the storage behind it, which misbehave when they are told to.

Small files lie behind a relative redirect, as on the Hub; weights (*.safetensors) behind one to the
storage, which is another host. Both know Range. Only the standard library is needed.
"""
import hashlib
import http.server
import threading
import time

COMMIT = "0123456789abcdef0123456789abcdef01234567"
NAME = "fictional/tiny"


def git_blob_sha1(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def is_large(path):
    return path.endswith(".safetensors")


def checksum(path, content):
    return hashlib.sha256(content).hexdigest() if is_large(path) else git_blob_sha1(content)


class Cut:
    """Ends the connection after so many bytes of the answer's body."""

    def __init__(self, n):
        self.n = n


class Stall:
    """Sends so many bytes of the body, then nothing until the other side gives up."""

    def __init__(self, n):
        self.n = n


class Status:
    """Answers with a status in place of the content."""

    def __init__(self, status, **headers):
        self.status = status
        self.headers = [(key.replace("_", "-"), value) for key, value in headers.items()]


class IgnoreRange:
    """Sends all of the file whatever part was asked for."""


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, handler, state, tls=None):
        super().__init__(("127.0.0.1", 0), handler)
        self.state, self.tls = state, tls
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def url(self):
        return "%s://127.0.0.1:%d" % ("https" if self.tls else "http", self.server_address[1])

    def handle_error(self, request, client_address):
        pass  # a client that gives up is part of the tests

    def stop(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        state = self.server.state
        state.seen.append(Seen(self))
        for prefix, status in state.statuses.items():
            if self.path.startswith(prefix):
                return self.answer(status.status, status.headers)
        return self.serve(state)

    do_HEAD = do_GET

    def answer(self, status, headers=(), body=b"", length=None, send=None):
        self.send_response(status)
        for key, value in headers:
            self.send_header(key, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body if send is None else body[:send])

    def send_content(self, path, headers=()):
        """The file, or the part that Range asks for, with the next fault that waits for it."""
        state = self.server.state
        content = state.bodies.get(path, state.files[path])
        fault = None
        if self.command == "GET" and state.faults.get(path):
            fault = state.faults[path].pop(0)
        if isinstance(fault, Status):
            return self.answer(fault.status, fault.headers)
        begin, status, headers = 0, 200, list(headers)
        wanted = self.headers.get("Range")
        if wanted and not isinstance(fault, IgnoreRange):
            begin = int(wanted[len("bytes="):-1])
            if begin >= len(content):
                return self.answer(416, [("Content-Range", "bytes */%d" % len(content))])
            status = 206
            headers.append(("Content-Range",
                            "bytes %d-%d/%d" % (begin, len(content) - 1, len(content))))
        part = content[begin:]
        send = fault.n if isinstance(fault, (Cut, Stall)) else None
        if send is None and self.command == "GET":  # before the client can have it all
            state.served.append((path, begin, len(part)))
        self.answer(status, headers, part, send=send)
        if isinstance(fault, Stall):
            self.wfile.flush()
            state.released.wait(60)
        if send is not None:
            self.close_connection = True


class Seen:
    """A request."""

    def __init__(self, handler):
        self.method, self.path = handler.command, handler.path
        self.token = handler.headers.get("Authorization")
        self.range = handler.headers.get("Range")
        self.host = handler.server
        self.time = time.monotonic()


class HubHandler(Handler):
    def serve(self, state):
        cached = "/cached/"
        if self.path.startswith(cached):
            path = self.path[len(cached):]
            headers = [("X-Repo-Commit", state.commit), ("ETag", 'W/"%s"' % state.checksum(path))]
            return self.send_content(path, headers)
        prefix = "/" + state.name + "/resolve/"
        former = "/" + str(state.former_name) + "/"
        if self.path.startswith(former):
            return self.answer(307, [("Location", state.url + "/" + state.name + "/" +
                                      self.path[len(former):])])
        if not self.path.startswith(prefix):
            return self.answer(404, [("X-Error-Code", "RepoNotFound")])
        revision, path = self.path[len(prefix):].split("/", 1)
        if revision not in state.revisions and revision != state.commit:
            return self.answer(404, [("X-Error-Code", "RevisionNotFound")])
        headers = [("X-Repo-Commit", state.commit)]
        if path not in state.files:
            return self.answer(404, headers + [("X-Error-Code", "EntryNotFound")])
        if not is_large(path):
            return self.answer(307, headers + [("Location", cached + path)])
        size = state.sizes.get(path, len(state.files[path]))
        return self.answer(302, headers + [
            ("ETag", '"storage"'), ("X-Linked-ETag", '"%s"' % state.checksum(path)),
            ("X-Linked-Size", str(size)), ("Location", state.storage.url + "/" + path)])


class StorageHandler(Handler):
    def serve(self, state):
        if self.path[1:] not in state.files:
            return self.answer(404)
        return self.send_content(self.path[1:])


class MockHub:
    """The Hub and its storage with one model. What may be changed at any time:

    files      {path in the repository: content}
    checksums  {path: what is announced in place of the true checksum}
    sizes      {path: what is announced in place of the true size}
    bodies     {path: what is sent in place of the content}
    faults     {path: [fault for the first GET of its content, for the second, ...]}
    statuses   {beginning of a request's path: Status of every answer to it}

    `tls` is the ssl.SSLContext of the Hub, and of its storage unless that is `plain_storage`.
    """

    def __init__(self, files, name=NAME, commit=COMMIT, tls=None, plain_storage=False):
        self.name, self.commit, self.files = name, commit, dict(files)
        self.former_name = None  # one that redirects to `name`
        self.revisions = {"main"}
        self.checksums, self.sizes, self.bodies, self.faults, self.statuses = {}, {}, {}, {}, {}
        self.seen = []    # every request, as Seen
        self.served = []  # (path, first byte, bytes) of each content that is sent to its end
        self.released = threading.Event()
        self.hub = Server(HubHandler, self, tls)
        self.storage = Server(StorageHandler, self, None if plain_storage else tls)

    @property
    def url(self):
        return self.hub.url

    def checksum(self, path):
        return self.checksums.get(path) or checksum(path, self.files[path])

    def requests(self, server=None, method=None):
        return [s for s in self.seen if server in (None, s.host) and method in (None, s.method)]

    def stop(self):
        self.released.set()
        self.hub.stop()
        self.storage.stop()
