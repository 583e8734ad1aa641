# SPDX-License-Identifier: BSD-2-Clause
"""A Postfix log as it never happened: so many lines about so many leads, the same for the same seed. Deliveries, bounces,
deferrals that end in a delivery, a bounce or the end of the queue's patience; messages to several recipients; lines that
are about something else. The times grow, evenly, over the seconds that it is said to have taken."""

import heapq
import random
import time

HOST = "mail.bed.test"
WORDS = {
    "5.1.1": "550 5.1.1 <{r}>: Recipient address rejected: User unknown",
    "5.2.2": "552 5.2.2 <{r}>: mailbox is full",
    "4.2.2": "452 4.2.2 <{r}>: mailbox is full, try again later",
    "4.7.1": "450 4.7.1 <{r}>: Greylisted, please come back",
    "5.7.1": "554 5.7.1 Message rejected as spam, dsn=5.1.1, status=sent (really)",
}


class Message:
    """One message's way through the queue: a list of (when, program, what follows the queue id)."""

    def __init__(self, chance, number, recipients, at):
        self.queue_id = f"4{number:010X}"
        self.lines = []
        self.chance, self.at, end = chance, at, at
        self.say(at, "smtpd", f"client=app.bed.test[192.0.2.{number % 250}]")
        self.say(at, "cleanup", f"message-id=<{number}@news.bed.test>")
        self.say(at, "qmgr", f"from=<bounce@bounces.bed.test>, size=2048, nrcpt={len(recipients)} (queue active)")
        for recipient in recipients:
            end = max(end, self.deliver(recipient, at + chance.uniform(0.5, 3)))
        self.say(end + 1, "qmgr", "removed")

    def say(self, at, program, text):
        self.lines.append((at, program, f"{self.queue_id}: {text}"))

    def attempt(self, at, recipient, status, text, dsn):
        relay = "mx1.dest.example[192.0.2.25]:25"
        self.say(at, "smtp", f"to=<{recipient}>, relay={relay}, delay={at - self.at:.2f}, delays=0.1/0/0.2/0.3, dsn={dsn}, status={status} ({text})")

    def refuse(self, at, recipient, status, dsn):
        said = f"host mx1.dest.example[192.0.2.25] said: {WORDS[dsn].format(r=recipient)} (in reply to RCPT TO command)"
        self.attempt(at, recipient, status, said, dsn)

    def deliver(self, recipient, at):
        """Until it is over; when that is."""
        fate = self.chance.choices(["sent", "bounced", "late", "late bounce", "expired"], [70, 8, 14, 4, 4])[0]
        if fate not in ("sent", "bounced"):
            for _ in range(self.chance.randint(1, 3)):
                self.refuse(at, recipient, "deferred", self.chance.choice(["4.2.2", "4.7.1"]))
                at += self.chance.uniform(200, 600)
        if fate in ("sent", "late"):
            self.attempt(at, recipient, "sent", "250 2.0.0 Ok: queued as 12345", "2.0.0")
        elif fate == "expired":
            self.say(at, "qmgr", "from=<bounce@bounces.bed.test>, status=expired, returned to sender")
        else:
            self.refuse(at, recipient, "bounced", self.chance.choice(["5.1.1", "5.2.2", "5.2.2", "5.7.1"]))
        return at


def make_log(lines, leads, seed, start, seconds):
    """A list of lines (bytes, with their LFs), and the number of deliveries that they tell of is for the reader to say."""
    chance = random.Random(seed)
    rows, number = [], 0
    while len(rows) < lines:
        recipients = chance.sample(range(leads), chance.choice([1, 1, 1, 2, 3]))
        message = Message(chance, number, [f"lead{i}@dest{i % 7}.test" for i in recipients], 0)
        offset = number * 0.7
        rows += [(offset + at, program, text) for at, program, text in message.lines]
        if number % 20 == 0:
            rows.append((offset, "smtpd", "connect from unknown[192.0.2.99]"))
        number += 1
    rows = heapq.nsmallest(lines, rows, key=lambda row: row[0])
    stretch = seconds / rows[-1][0]
    return [render(start + at * stretch, program, text) for at, program, text in rows]


def render(at, program, text):
    moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at)) + f".{int(at % 1 * 1e6):06d}+00:00"
    return f"{moment} {HOST} postfix/{program}[4711]: {text}\n".encode("utf-8")
