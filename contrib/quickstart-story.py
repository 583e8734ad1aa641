# SPDX-License-Identifier: BSD-2-Clause
"""Leadgate's main job as a story that happens while it is told. Each step is checked: the exit status is 0 only when all
of them happened. contrib/quickstart builds the programs and then runs this."""

import os
import shlex
import signal
import subprocess
import sys
import textwrap
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "test"))

from bed import Bed, BedError  # noqa: E402

GOOD, DEAD, FULL = "ann@example.test", "dead.ben@example.test", "full.cora@example.test"
LIST = [GOOD, DEAD, FULL]
REST = 6  # seconds that a full mailbox rests here; 3 days by default

SETTINGS = {
    "lifecycle": {"strike_spacing": "0s", "jitter": "0%"},
    "causes": {"mailbox-full": {"strikes": 2, "first": f"{REST}s"}},
}


def title(text):
    print(f"\n== {text}\n")


def say(text):
    print(textwrap.fill(" ".join(text.split()), 100))


def show(text):
    print(textwrap.indent(text.rstrip("\n"), "    "), flush=True)


def must(happened, what):
    if not happened:
        raise BedError(f"this did not happen: {what}")


def key(lead, kind):
    return f"lead:{{{lead}}}:{kind}"


class Story:
    def __init__(self, bed):
        self.bed = bed

    def redis(self, *words):
        """As the operator would type it, with its answer."""
        done = subprocess.run(["redis-cli", "-s", self.bed.redis.path, *words], capture_output=True, text=True, check=True)
        show(f"$ redis-cli {shlex.join(words)}\n{done.stdout}")
        return done.stdout.strip()

    def campaign(self, recipients):
        """One newsletter, by SMTP; shows what Postfix says to each recipient, and returns those that it refused."""
        replies = self.bed.campaign(recipients)
        for recipient, reply in replies.rcpt.items():
            show(f"RCPT TO:<{recipient}>\n  {reply}")
        must(replies.data is None or replies.data.code == 250, "Postfix takes the message")
        return replies.refused

    def revision(self, lead):
        """Counts what has been recorded about a lead."""
        return self.bed.redis.call("HGET", f"lead:{{{lead}}}", "rev")

    def until(self, condition, what):
        self.bed.wait(condition, what, timeout=20)

    def first_campaign(self):
        title("A first campaign")
        say("""A newsletter to three leads. Nobody knows them yet, so Postfix takes all three. Ann's mailbox is fine, Ben
            has left, Cora's mailbox is full: that the rest of the world will say.""")
        must(self.campaign(LIST) == [], "everybody is accepted")
        self.until(lambda: self.bed.sink.received(GOOD), "Ann's mail to arrive")
        self.until(lambda: self.bed.redis.call("EXISTS", key(DEAD, "optout")), "Ben to be opted out")
        self.until(lambda: self.bed.redis.call("HGET", f"lead:{{{FULL}}}", "strikes"), "Cora's first strike")
        print()
        say("""Ann got hers. The other two came back: Postfix returned a bounce to the bounce address, a Maildir, where
            leadgate-feed read it, found out who is meant and why, and wrote it down. This is what it logged:""")
        for line in self.bed.started[-1].text().splitlines():
            if " event " in line or " change " in line:
                show(textwrap.shorten(line, 150, placeholder=" ..."))

    def second_campaign(self):
        title("A second campaign")
        say("An address that does not exist is opted out at once and for good (TTL -1). A full mailbox gets a second chance.")
        must("user-unknown" in self.redis("GET", key(DEAD, "optout")), "Ben's opt-out says why")
        must(self.redis("TTL", key(DEAD, "optout")) == "-1", "Ben's opt-out has no end")
        must(self.redis("EXISTS", key(FULL, "optout")) == "0", "Cora is not opted out yet")
        print()
        self.bed.next_second()
        must(self.campaign(LIST) == [DEAD], "only Ben is refused, at RCPT TO")
        self.until(lambda: self.bed.redis.call("EXISTS", key(FULL, "optout")), "Cora to be opted out")
        print()
        say("Ben cost one line of SMTP, and his provider was not bothered. Cora's bounced again: she is opted out, with a timer.")
        must("mailbox-full" in self.redis("GET", key(FULL, "optout")), "Cora's opt-out says why")
        must(0 <= int(self.redis("TTL", key(FULL, "optout"))) <= REST, "Cora's opt-out ends soon")
        must(self.campaign([FULL]) == [FULL], "Cora is refused")

    def timer(self):
        title(f"{REST} seconds later")
        say("""Nobody does anything now: Redis itself ends a temporary opt-out. (Here it lasts seconds; by default 3 days, then
            6, 12, 24.)""")
        started = time.monotonic()
        self.until(lambda: not self.bed.redis.call("EXISTS", key(FULL, "optout")), "Cora's opt-out to end")
        show(f"... {time.monotonic() - started:.1f} s ...")
        must(self.redis("TTL", key(FULL, "optout")) == "-2", "Cora's opt-out is gone")
        must(self.campaign([FULL]) == [], "Cora is let in again")

    def operator(self):
        title("The operator decides")
        say("Ben's secretary rings: a mistake on their side. Whitelist him, and he is let in whatever is known of him:")
        self.redis("SET", key(DEAD, "allow"), "key account")
        known = self.revision(DEAD)
        must(self.campaign([DEAD]) == [], "a whitelisted lead is let in")
        self.until(lambda: self.revision(DEAD) != known, "his bounce to be recorded")
        print()
        say("Off the whitelist he is refused again; without his opt-out he starts anew, and his history stays:")
        self.redis("DEL", key(DEAD, "allow"))
        must(self.campaign([DEAD]) == [DEAD], "Ben is refused again")
        must(self.redis("DEL", key(DEAD, "optout")) == "1", "Ben's opt-out is taken away")
        must(self.campaign([DEAD]) == [], "Ben is let in")


def tell(bed):
    bed.configure(**SETTINGS)
    bed.start_policyd()
    bed.start_feed()
    say(f"""Everything happens in {bed.dir} and on loopback: a Redis, a Postfix (Debian's configuration with
        contrib/postfix appended), leadgate-policyd, leadgate-feed, and a small SMTP server that plays the rest of the
        world.""")
    story = Story(bed)
    story.first_campaign()
    story.second_campaign()
    story.timer()
    story.operator()


def main():
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit(1))
    try:
        with Bed(bounces="maildir") as bed:
            tell(bed)
        must(not os.path.exists(bed.dir), "the folder is gone")
    except BedError as error:
        sys.exit(f"\nquickstart: {error}")
    title("Done")
    say("Everything is stopped and the folder is gone. README.md says how to put Leadgate beside your own Postfix.")


if __name__ == "__main__":
    main()
