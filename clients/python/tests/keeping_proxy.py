"""Stands before a Redis, as some proxies do: when Redis goes it keeps its clients' connections, and asks the next Redis what was
not answered. Only what waits for a job is cut."""
import select
import socket
import threading

from redis_server import wait_for


class KeepingProxy:
    def __init__(self, server):
        self._redis = server.socket
        self.url = f"unix://{server.socket}.proxy?db=0"
        self._asked = {}
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(server.socket + ".proxy")
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self._listener.shutdown(socket.SHUT_RDWR)

    def all_is_answered(self):
        """Whether clients wait for jobs only: what else they wait for, the next Redis would be asked."""
        return all(not asked or b"BLMOVE" in asked for asked in list(self._asked.values()))

    def _accept(self):
        with self._listener:
            while True:
                try:
                    client = self._listener.accept()[0]
                except OSError:
                    return
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        redis = None
        self._asked[client] = b""
        try:
            while True:
                ready = select.select([client] if redis is None else [client, redis], [], [])[0]
                if redis in ready:
                    reply = _read(redis)
                    if reply:
                        self._asked[client] = b""
                        client.sendall(reply)
                        continue
                    redis.close()
                    redis = None
                    if b"BLMOVE" in self._asked[client]:
                        return
                    if self._asked[client]:
                        redis = self._connect(self._asked[client])
                else:
                    more = _read(client)
                    if not more:
                        return
                    self._asked[client] += more
                    if redis is None:
                        redis = self._connect(self._asked[client])
                    else:
                        redis.sendall(more)
        except OSError:
            pass  # the client is gone
        finally:
            del self._asked[client]
            client.close()
            if redis is not None:
                redis.close()

    def _connect(self, asked):
        redis = wait_for(self._connected, "no Redis behind the proxy", 30)
        redis.sendall(asked)
        return redis

    def _connected(self):
        """None if there is no Redis yet, or one that still loads."""
        redis = socket.socket(socket.AF_UNIX)
        try:
            redis.connect(self._redis)
            redis.sendall(b"PING\r\n")
            if redis.recv(100) == b"+PONG\r\n":
                return redis
        except OSError:
            pass
        redis.close()
        return None


def _read(connection):
    try:
        return connection.recv(65536)
    except OSError:
        return b""
