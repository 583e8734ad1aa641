# SPDX-License-Identifier: BSD-2-Clause
"""Stands between a program and Redis and strikes where no timer hits: Redis has carried a command out, and the program
does not know yet."""

import os
import socket
import threading


class Proxy:
    """Listens on the unix socket `path`. Once armed, the next reply to a request that holds `word` is not passed on:
    strike() is called in its place, and the connection ends."""

    def __init__(self, path, redis_path):
        self.path, self.redis_path = path, redis_path
        self.word = self.strike = None
        self.struck = threading.Event()
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        os.chmod(path, 0o777)
        self.listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, word, strike):
        self.struck.clear()
        self.word, self.strike = word, strike

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:  # closed
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        """Our programs ask, then wait for all answers: a request and what Redis sends next belong together."""
        redis = socket.socket(socket.AF_UNIX)
        pending = threading.Event()
        try:
            redis.connect(self.redis_path)
            threading.Thread(target=self._answers, args=(client, redis, pending), daemon=True).start()
            while request := client.recv(1 << 20):
                if self.word and self.word in request:
                    pending.set()
                redis.sendall(request)
        except OSError:
            pass
        finally:
            hang_up(client, redis)

    def _answers(self, client, redis, pending):
        try:
            while answer := redis.recv(1 << 20):
                if pending.is_set() and self.strike:
                    strike, self.word, self.strike = self.strike, None, None
                    strike()
                    self.struck.set()
                    break
                client.sendall(answer)
        except OSError:
            pass
        finally:
            hang_up(client, redis)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        os.unlink(self.path)


def hang_up(*sockets):
    for one in sockets:
        try:
            one.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        one.close()
