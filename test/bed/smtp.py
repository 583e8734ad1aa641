# SPDX-License-Identifier: BSD-2-Clause
"""One SMTP transaction, all replies kept. Recipients are sent as they are given: `a%d`, `d!a` and `"a"@d` too."""

import socket
import time
from dataclasses import dataclass, field


@dataclass
class Reply:
    code: int
    text: str

    @property
    def ok(self):
        return 200 <= self.code < 400

    def __str__(self):
        return f"{self.code} {self.text}"


@dataclass
class Replies:
    mail: Reply = None
    rcpt: dict = field(default_factory=dict)  # recipient -> Reply
    data: Reply = None  # to the message's end; None when no recipient was accepted
    seconds: float = 0.0

    @property
    def accepted(self):
        return [r for r, reply in self.rcpt.items() if reply.ok]

    @property
    def refused(self):
        return [r for r, reply in self.rcpt.items() if not reply.ok]


class Session:
    def __init__(self, port, host="127.0.0.1", timeout=60):
        self.socket = socket.create_connection((host, port), timeout)
        self.stream = self.socket.makefile("rb")
        self.read()
        self.command("EHLO client.test")

    def read(self):
        texts = []
        while True:
            line = self.stream.readline().decode("utf-8", "replace")
            if not line:
                raise ConnectionError("server closed the connection" + (": " + " ".join(texts) if texts else ""))
            texts.append(line[4:].rstrip("\r\n"))
            if line[3:4] != "-":
                return Reply(int(line[:3]), " ".join(texts))

    def send(self, line):
        self.socket.sendall(line.encode("utf-8", "surrogateescape") + b"\r\n")

    def command(self, line):
        self.send(line)
        return self.read()

    def data(self, message):
        reply = self.command("DATA")
        if not reply.ok:
            return reply
        if isinstance(message, str):
            message = message.encode("utf-8")
        lines = message.replace(b"\r\n", b"\n").removesuffix(b"\n").split(b"\n")
        stuffed = (b"." + line if line.startswith(b".") else line for line in lines)
        self.socket.sendall(b"\r\n".join(stuffed) + b"\r\n.\r\n")
        return self.read()

    def close(self):
        try:
            self.send("QUIT")
        except OSError:
            pass
        self.stream.close()
        self.socket.close()


def campaign_message(subject="News", message_id=None):
    head = f"From: News <news@bed.test>\nTo: you\nSubject: {subject}\n"
    if message_id:
        head += f"Message-ID: <{message_id}>\n"
    return head + "\nGood news.\n"


def transaction(port, recipients, sender="bounce@bounces.bed.test", message=None, smtputf8=False, arguments="", timeout=60):
    """Connects, sends one message to all recipients, says goodbye. Raises ConnectionError when the server hangs up."""
    replies = Replies()
    started = time.monotonic()
    session = Session(port, timeout=timeout)
    try:
        replies.mail = session.command(f"MAIL FROM:<{sender}>" + (" SMTPUTF8" if smtputf8 else "") + arguments)
        for recipient in recipients:
            replies.rcpt[recipient] = session.command(f"RCPT TO:<{recipient}>")
        if replies.accepted:
            replies.data = session.data(message or campaign_message())
    finally:
        session.close()
    replies.seconds = time.monotonic() - started
    return replies
