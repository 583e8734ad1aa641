# SPDX-License-Identifier: BSD-2-Clause
"""The rest of the world: an SMTP server whose answers depend on the recipient's local part.

    dead...   550 5.1.1 at RCPT TO         full...   552 5.2.2 at RCPT TO
    busy...   452 4.2.2 at RCPT TO         grey...   450 4.7.1 at RCPT TO, the first time
    late...   552 5.2.2 after the data     soon...   452 4.2.2 at RCPT TO, the first two times
    lost...   hangs up at RCPT TO          slow...   takes a second to think, and then the mail
    anything else is taken, and remembered

More rules: sink.rules.append((lambda local_part: ..., "550 5.7.1 <{r}>: text")); the newest rule is asked first. A third
item is how many times a recipient gets that answer; after that the rule does not apply.
"""

import asyncio
import re
import threading
import time
from dataclasses import dataclass, field

HANG_UP = "421 "

TICK = 0.02  # time(2), by which Postfix dates, is behind the clock by up to a tick of the kernel, 10 ms

RULES = [
    (lambda local: local.startswith("dead"), "550 5.1.1 <{r}>: Recipient address rejected: User unknown"),
    (lambda local: local.startswith("full"), "552 5.2.2 <{r}>: The mailbox is over its quota"),
    (lambda local: local.startswith("busy"), "452 4.2.2 <{r}>: Mailbox full, try again later"),
    (lambda local: local.startswith("soon"), "452 4.2.2 <{r}>: Mailbox full, try again later", 2),
    (lambda local: local.startswith("grey"), "450 4.7.1 <{r}>: Greylisted, try again later", 1),
    (lambda local: local.startswith("lost"), HANG_UP),
]


@dataclass
class Mail:
    sender: str
    recipients: list
    content: bytes
    arguments: str = ""  # of MAIL FROM, behind the sender: "ENVID=... RET=HDRS"
    recipient_arguments: dict = field(default_factory=dict)


class Sink:
    """Runs in a thread of its own until close()."""

    def __init__(self):
        self.rules = list(RULES)
        self.mails = []  # those that were taken
        self.refused = []  # recipients that were not, once for each time
        self.tried = []  # (recipient, what it was told or None) in order, both kinds
        self.refuse_later = False  # refusals wait for the second after the mail's: bounces carry whole seconds
        self.port = None
        self._up = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="sink", daemon=True)
        self._thread.start()
        self._up.wait()

    def _run(self):
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._session, "127.0.0.1", 0, backlog=500, limit=1 << 20))
        self.port = server.sockets[0].getsockname()[1]
        self._up.set()
        self._loop.run_forever()
        server.close()
        sessions = asyncio.all_tasks(self._loop)
        for session in sessions:
            session.cancel()
        self._loop.run_until_complete(asyncio.gather(*sessions, return_exceptions=True))
        self._loop.close()

    def close(self):
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def clear(self):
        self.mails, self.refused, self.tried = [], [], []
        self.rules = list(RULES)
        self.refuse_later = False

    def received(self, recipient):
        """The mails that were taken for this recipient."""
        return [mail for mail in list(self.mails) if recipient in mail.recipients]

    def _answer(self, recipient):
        local = recipient.rpartition("@")[0]
        for applies, reply, *times in reversed(self.rules):
            if applies(local) and (not times or self.refused.count(recipient) < times[0]):
                self.refused.append(recipient)
                return reply.format(r=recipient)
        return None

    async def _session(self, reader, writer):
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _talk(self, reader, writer):
        async def say(*lines):
            writer.write("".join(line + "\r\n" for line in lines).encode("utf-8", "surrogateescape"))
            await writer.drain()

        mail, came = None, 0
        await say("220 world.test ESMTP")
        while line := await reader.readline():
            text = line.decode("utf-8", "surrogateescape").rstrip("\r\n")
            verb = text.upper()
            if verb.startswith("EHLO"):
                await say("250-world.test", "250-PIPELINING", "250-8BITMIME", "250-SMTPUTF8",
                          "250-ENHANCEDSTATUSCODES", "250 DSN")
            elif verb.startswith("HELO"):
                await say("250 world.test")
            elif verb.startswith("MAIL FROM:"):
                mail, came = Mail(path(text), [], b"", arguments(text)), int(time.time())
                await say("250 2.1.0 Ok")
            elif verb.startswith("RCPT TO:"):
                recipient = path(text)
                refusal = self._answer(recipient)
                self.tried.append((recipient, refusal))
                if refusal == HANG_UP:
                    return
                if recipient.startswith("slow"):
                    await asyncio.sleep(1)
                if refusal is None:
                    mail.recipients.append(recipient)
                    mail.recipient_arguments[recipient] = arguments(text)
                while refusal and self.refuse_later and (left := came + 1 + TICK - time.time()) > 0:
                    await asyncio.sleep(left)
                await say(refusal or "250 2.1.5 Ok")
            elif verb == "DATA":
                if not mail or not mail.recipients:
                    await say("554 5.5.1 No valid recipients")
                    continue
                await say("354 End data with <CR><LF>.<CR><LF>")
                mail.content = await content(reader)
                if any(recipient.startswith("late") for recipient in mail.recipients):
                    self.refused += mail.recipients
                    await say("552 5.2.2 The mailbox is over its quota")
                    continue
                self.mails.append(mail)
                await say(f"250 2.0.0 Ok: taken as {len(self.mails)}")
            elif verb == "QUIT":
                await say("221 2.0.0 Bye")
                return
            elif verb in ("RSET", "NOOP"):
                await say("250 2.0.0 Ok")
            else:
                await say("502 5.5.2 Error: command not recognized")


def path(command):
    return re.search(r"<([^>]*)>", command)[1]


def arguments(command):
    return command.partition(">")[2].strip()


async def content(reader):
    lines = []
    while (line := await reader.readuntil(b"\n")) != b".\r\n":
        lines.append(line[1:] if line.startswith(b".") else line)
    return b"".join(lines)
