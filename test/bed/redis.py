# SPDX-License-Identifier: BSD-2-Clause
"""A private redis-server on a unix socket, and just enough of a client (RESP2) to look at it."""

import os
import socket

from .process import Process, wait_until


class RedisError(Exception):
    """An error reply."""


class Redis:
    """One connection. call("GET", "k") -> str, int, None, list; raises RedisError."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(30)
        try:
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise
        self.stream = self.socket.makefile("rb")

    def close(self):
        self.stream.close()
        self.socket.close()

    @staticmethod
    def encode(command):
        words = [w if isinstance(w, bytes) else str(w).encode("utf-8", "surrogateescape") for w in command]
        return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words)

    def reply(self):
        line = self.stream.readline()
        if not line.endswith(b"\r\n"):
            raise ConnectionError("redis closed the connection")
        kind, rest = line[:1], line[1:-2]
        if kind == b"+":
            return rest.decode()
        if kind == b"-":
            return RedisError(rest.decode())
        if kind == b":":
            return int(rest)
        if int(rest) < 0:
            return None
        if kind == b"$":
            return self.stream.read(int(rest) + 2)[:-2].decode("utf-8", "surrogateescape")
        return [self.reply() for _ in range(int(rest))]

    def pipeline(self, commands):
        """All replies in order; an error reply stands in its place as a RedisError."""
        commands = list(commands)
        answers = []
        for start in range(0, len(commands), 1000):
            batch = commands[start : start + 1000]
            self.socket.sendall(b"".join(self.encode(c) for c in batch))
            answers += [self.reply() for _ in batch]
        return answers

    def call(self, *words):
        (answer,) = self.pipeline([words])
        if isinstance(answer, RedisError):
            raise answer
        return answer

    def keys(self, pattern="*"):
        return sorted(self.call("KEYS", pattern))

    def hash(self, key):
        flat = self.call("HGETALL", key)
        return dict(zip(flat[::2], flat[1::2]))

    def dump(self, pattern="*"):
        """{key: (type, value, ttl in milliseconds or -1)}: everything that there is."""
        read = {
            "string": lambda k: ("GET", k),
            "hash": lambda k: ("HGETALL", k),
            "stream": lambda k: ("XRANGE", k, "-", "+"),
            "list": lambda k: ("LRANGE", k, 0, -1),
            "set": lambda k: ("SMEMBERS", k),
            "zset": lambda k: ("ZRANGE", k, 0, -1, "WITHSCORES"),
        }
        keys = self.keys(pattern)
        types = self.pipeline(("TYPE", k) for k in keys)
        present = [(k, t) for k, t in zip(keys, types) if t != "none"]
        values = self.pipeline(read[t](k) for k, t in present)
        ttls = self.pipeline(("PTTL", k) for k, _ in present)
        found = {}
        for (key, kind), value, ttl in zip(present, values, ttls):
            if kind == "hash":
                value = dict(zip(value[::2], value[1::2]))
            found[key] = (kind, value, ttl)
        return found


class RedisServer:
    """redis-server in the folder `home`; stop() keeps the data for the next start()."""

    def __init__(self, home, log):
        self.home = home
        self.path = os.path.join(home, "redis.sock")
        os.makedirs(home, exist_ok=True)
        os.chmod(home, 0o755)
        argv = ["redis-server", "--port", "0", "--unixsocket", self.path, "--unixsocketperm", "777",
                "--save", "", "--appendonly", "no", "--dir", home, "--daemonize", "no", "--loglevel", "notice"]
        self.process = Process("redis-server", argv, log)
        self.client = None

    def start(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        self.process.start()
        self.client = wait_until(self._connect, 10, "redis-server to answer", self.process.recent)
        return self

    def _connect(self):
        try:
            client = Redis(self.path)
        except OSError:
            return None
        try:
            if client.call("PING") == "PONG":
                return client
        except (RedisError, OSError):  # LOADING
            pass
        client.close()
        return None

    def call(self, *words):
        return self.client.call(*words)

    def stop(self):
        """Away, as after `systemctl stop redis`: the data is on disk."""
        if self.process.running():
            self.client.call("SAVE")
        self.close()

    def close(self):
        if self.client:
            self.client.close()
            self.client = None
        self.process.stop()
