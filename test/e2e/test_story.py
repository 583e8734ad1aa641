# SPDX-License-Identifier: BSD-2-Clause
"""The main job, step by step: mail goes out, is refused, comes back, the lead is opted out, the next RCPT TO is refused,
and when the time is over the lead is let in again without anyone's help."""

import os
import subprocess

FULL = {"causes": {"mailbox-full": {"strikes": 2, "first": "4s"}}}
GOOD, DEAD, FULLBOX = "good@dest.test", "dead.ann@dest.test", "full.bob@dest.test"


def key(lead, kind=None):
    return f"lead:{{{lead}}}" + (f":{kind}" if kind else "")


def bounced(bed, lead):
    return len([e for e in events(bed) if e["lead"] == lead])


def events(bed):
    """The events that the milter, a running feed or those that pipe(8) started have applied."""
    return [e for p in ("leadgate-feed", "leadgate-milter") if os.path.exists(bed.log_path(f"{p}.log"))
            for e in _lines(bed, p)]


def _lines(bed, program):
    from bed.process import parse_line

    with open(bed.log_path(f"{program}.log"), encoding="utf-8", errors="replace") as log:
        return [line for line in map(parse_line, log) if line and line[""] == "event"]


def start(bed, with_milter=False):
    bed.configure(**FULL)
    bed.start_policyd()
    if with_milter:
        bed.start_milter()
    bed.start_feed()


def test_story(any_bed):
    bed, call = any_bed, any_bed.redis.call
    start(bed)

    # The first campaign: nobody is known, everybody is accepted.
    replies = bed.campaign([GOOD, DEAD, FULLBOX])
    assert replies.refused == [] and replies.data.code == 250

    # The world refuses two of them; both bounces come back and are understood.
    bed.wait(lambda: bed.sink.received(GOOD), "the good lead's mail")
    bed.wait(lambda: call("EXISTS", key(DEAD, "optout")), "the dead lead's opt-out")
    bed.wait(lambda: call("HGET", key(FULLBOX), "strikes") == "1", "the full mailbox's strike")
    assert call("TTL", key(DEAD, "optout")) == -1
    value = call("GET", key(DEAD, "optout"))
    assert value.startswith("kind=permanent cause=user-unknown ") and "status=5.1.1" in value
    assert not call("EXISTS", key(FULLBOX, "optout"))
    assert call("HGET", key(FULLBOX), "cause") == "mailbox-full"
    assert not call("EXISTS", key(GOOD)) and not call("EXISTS", key(GOOD, "optout"))

    # The second campaign: the dead lead is refused at RCPT TO, the others go on.
    bed.next_second()
    replies = bed.campaign([GOOD, DEAD, FULLBOX])
    assert replies.refused == [DEAD]
    refusal = replies.rcpt[DEAD]
    assert refusal.code // 100 == 5 and "user-unknown" in refusal.text and "[leadgate-suppressed]" in refusal.text
    assert refusal.text.startswith("5.") and str(refusal).isascii()
    bed.wait(lambda: len(bed.sink.received(GOOD)) == 2, "the good lead's second mail")
    assert bed.sink.refused.count(DEAD) == 1

    # Its second strike opts the full mailbox out, for four seconds.
    bed.wait(lambda: call("EXISTS", key(FULLBOX, "optout")), "the full mailbox's opt-out")
    assert 0 < call("PTTL", key(FULLBOX, "optout")) <= 4000
    assert call("GET", key(FULLBOX, "optout")).startswith("kind=temporary cause=mailbox-full cycle=1 ")
    reply = bed.campaign([FULLBOX]).rcpt[FULLBOX]
    assert not reply.ok and "mailbox-full" in reply.text and "until 2" in reply.text

    # When the time is over it is let in again: nobody did anything.
    bed.wait(lambda: not call("EXISTS", key(FULLBOX, "optout")), "the opt-out's end", timeout=6)
    assert bed.campaign([FULLBOX]).refused == []

    # Its changes are on record, newest last.
    log = call("XRANGE", key(FULLBOX, "log"), "-", "+")
    assert len(log) == 1 and "optout" in log[0][1]
    assert call("XLEN", key(DEAD, "log")) == 1

    # An operator lets the dead lead in: by the whitelist, and by taking the opt-out away.
    call("SET", key(DEAD, "allow"), "key account")
    known = call("HGET", key(DEAD), "rev")
    assert bed.campaign([DEAD]).refused == []
    bed.wait(lambda: call("HGET", key(DEAD), "rev") != known, "his bounce to be recorded")
    assert call("TTL", key(DEAD, "optout")) == -1
    call("DEL", key(DEAD, "allow"))
    assert bed.campaign([DEAD]).refused == [DEAD]
    call("DEL", key(DEAD, "optout"))
    assert bed.campaign([DEAD]).refused == []


def test_story_through_the_milter(bed):
    """As above, with the milter taking the bounces first: nothing is counted twice."""
    start(bed, with_milter=True)
    call = bed.redis.call
    bed.campaign([GOOD, DEAD, FULLBOX])
    bed.wait(lambda: call("EXISTS", key(DEAD, "optout")), "the dead lead's opt-out")
    bed.wait(lambda: bounced(bed, DEAD) == 2 and bounced(bed, FULLBOX) == 2, "milter and feed to have seen both")
    assert call("HGET", key(FULLBOX), "strikes") == "1"
    assert sorted(e["effect"] for e in events(bed)) == ["optout", "repeat", "repeat", "strike"]


def test_quickstart():
    """contrib/quickstart's own part, out of a finished build."""
    root = os.path.join(os.path.dirname(__file__), "..", "..")
    done = subprocess.run(["/usr/bin/python3", os.path.join(root, "contrib", "quickstart-story.py")], text=True,
                          capture_output=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
