# SPDX-License-Identifier: BSD-2-Clause
"""A Postfix log of the past, as Postfix writes it for mails whose fate is given: five lines and more for each, the lines of all
of them in the order of their time, with RFC 3339 or traditional times."""

import gzip
import time

OK = "dsn=2.0.0, status=sent (250 2.0.0 Ok: queued as 4711)"
UNKNOWN = "dsn=5.1.1, status=bounced (host {relay}[192.0.2.1] said: 550 5.1.1 <{to}>: Recipient address rejected: User unknown (in reply to RCPT TO command))"
FULL = "dsn=5.2.2, status=bounced (host {relay}[192.0.2.1] said: 552 5.2.2 <{to}>: mailbox full (in reply to RCPT TO command))"
GREY = "dsn=4.2.0, status=deferred (host {relay}[192.0.2.1] said: 450 4.2.0 <{to}>: Greylisted, try again later (in reply to RCPT TO command))"
NO_DOMAIN = "dsn=5.4.4, status=bounced (Host or domain name not found. Name service error for name={domain} type=A: Host not found)"


class Log:
    """Lines with their times; write() sorts them."""

    def __init__(self, host="mx", syslog_name="postfix"):
        self.lines = []
        self.host = host
        self.name = syslog_name
        self.mails = 0

    def line(self, at, program, text):
        self.lines.append((at, len(self.lines), f"{self.host} {self.name}/{program}[4711]: {text}"))

    def mail(self, at, to, *tries, sender="news@shop.test", relay="mx1.example.net", client="198.51.100.7"):
        """A mail that is handed in at that time. tries: (seconds after that, what became of it); queue id."""
        self.mails += 1
        queue_id = f"{self.mails:011X}"
        self.line(at, "smtpd", f"{queue_id}: client=app.shop.test[{client}]")
        self.line(at, "cleanup", f"{queue_id}: message-id=<{self.mails}.{int(at)}@shop.test>")
        self.line(at, "qmgr", f"{queue_id}: from=<{sender}>, size=5120, nrcpt=1 (queue active)")
        for delay, fate in tries:
            hop = "none" if fate == NO_DOMAIN else f"{relay}[192.0.2.1]:25"
            words = fate.format(to=to, relay=relay, domain=to.split("@")[1])
            self.line(at + delay, "smtp", f"{queue_id}: to=<{to}>, relay={hop}, delay={delay}, delays=0.1/0/0.2/{delay}, {words}")
        if "deferred" not in tries[-1][1]:
            self.line(at + tries[-1][0], "qmgr", f"{queue_id}: removed")
        return queue_id

    def text(self, form="rfc3339", since=0, until=float("inf")):
        """The lines of that time; traditional times are UTC: run the program with TZ=UTC."""
        out = []
        for at, _, text in sorted(self.lines):
            if since <= at < until:
                when = time.gmtime(at)
                stamp = time.strftime("%Y-%m-%dT%H:%M:%S", when) + f".{int(at % 1 * 1e6):06}+00:00" if form == "rfc3339" else \
                    time.strftime("%b ", when) + f"{when.tm_mday:2} " + time.strftime("%H:%M:%S", when)
                out.append(f"{stamp} {text}\n")
        return "".join(out)


def write(path, text):
    """Plain, or gzip'd if the name says so."""
    data = text.encode()
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)
    return str(path)
