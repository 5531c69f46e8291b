"""A node of the original as a test wants it: listens, answers `info`, and says to an answer what the test says."""
import errno
import socket
import threading

INFO = b"$21\r\nredis_version:2.4.5\r\n\r\n"
TEMPEST = b"$41\r\nredis_version:2.4.5\r\ntempest_protocol:1\r\n\r\n"
OK = b"+OK\r\n"


class FakeNode:
    """`reply(number, words)`: the bytes that are said to the answer of that number, from 1 on; None: it hangs up; b"": it is silent.

    `answers` are the words that were sent besides info, `resets` how many connections were reset, `open` how many are open.
    """

    def __init__(self, reply=lambda number, words: OK, info=INFO, host="127.0.0.1", port=0, family=socket.AF_INET):
        self.reply, self.info = reply, info
        self.answers, self.infos = [], []
        self.connections = self.open = self.resets = 0
        self._lock = threading.Lock()
        self._sockets = []
        self._listener = socket.socket(family)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind((host, port))
        self._listener.listen(64)
        self.port = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, daemon=True)]
        self._threads[0].start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        for sock in [self._listener, *self._sockets]:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    def say(self, data):
        """Unasked, on the newest connection."""
        self._sockets[-1].sendall(data)

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                self.connections += 1
                self.open += 1
                self._sockets.append(sock)
                thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
                self._threads.append(thread)
            thread.start()

    def _serve(self, sock):
        with sock:
            try:
                self._talk(sock)
                # What was written into a connection that is closed; the end of what can be read comes before the error.
                was_reset = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR) in (errno.EPIPE, errno.ECONNRESET)
            except ConnectionResetError:
                was_reset = True
            except OSError:
                was_reset = False
            with self._lock:
                self.resets += was_reset
                self.open -= 1

    def _talk(self, sock):
        with sock.makefile("rb") as stream:
            while line := stream.readline():
                words = []
                for _ in range(int(line[1:])):
                    size = int(stream.readline()[1:])
                    words.append(stream.read(size + 2)[:-2].decode())
                if words[0] == "info":
                    self.infos.append(words)
                    sock.sendall(self.info)
                    continue
                with self._lock:
                    self.answers.append(words)
                    number = len(self.answers)
                said = self.reply(number, words)
                if said is None:
                    return
                sock.sendall(said)


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]
