# SPDX-License-Identifier: BSD-2-Clause
"""A month in a minute: the lifecycle's worked example on real servers, with days of two seconds.

Mail and opt-outs count whole seconds, and so does the calendar. A day's mail leaves early in the day's first second, and the
sink refuses it in a later one; an opt-out of some days, which begins with the bounce, then ends in the second half of a day:
after the mail of its last day, before that of the next one."""

import os
import re
import subprocess
import time

from bed import wait_until
from bed.bed import CLOCK_REALTIME_COARSE

DAY = 2  # seconds
MAIL_TIME = 0.2  # seconds after the day began
NOON = DAY / 2
MONTH = range(1, 31)

GOOD = [f"good{i}@dest.test" for i in range(30)]
FULL = [f"full{i}@dest.test" for i in range(10)]
CLICKS = FULL[0]
CLICK_DAY = 10

# The worked example: two strikes, out for 3 days; two more, out for 6; for 12; for 24.
EXAMPLE = [1, 2, 6, 7, 14, 15, 28, 29]
# Let in by a click on day 10, after that day's mail. For 7 days her full mailbox is no reason to suspend her; then a new
# series begins: out for 3 days, for 6.
WITH_A_CLICK = [1, 2, 6, 7, *range(11, 19), 22, 23, 30]


def days(n):
    return f"{n * DAY}s"


# The defaults, in these days. The score has no part in the example, and its half-life cannot be as short.
DEFAULTS = {
    "lifecycle": {
        "series_limit": days(180),
        "longest": days(30),
        "activity_grace": days(7),
        "trust_window": days(90),
        "doubt": days(2),
    },
    "causes": {"mailbox-full": {"first": days(3)}},
    "score": {"soft": 0},
    # The hour of its budget is no 24th of such a day.
    "reentry": {"share": "0%"},
}


class Calendar:
    """Day 1 is about to begin."""

    def __init__(self):
        self.first = int(time.time()) + 1

    def dawn(self, day):
        return self.first + (day - 1) * DAY

    def wait_for(self, day, seconds):
        """Until so many seconds of the day are over, by every program's clock."""
        end = self.dawn(day) + seconds
        left = end - time.time()
        assert left > 0, f"day {day} is {-left:.2f} s ahead: this machine is too slow for days of {DAY} s"
        time.sleep(left)
        wait_until(lambda: time.clock_gettime(CLOCK_REALTIME_COARSE) >= end, 1, "time(2) to show it")


def key(lead, kind=None):
    return f"lead:{{{lead}}}" + (f":{kind}" if kind else "")


def fields(bed, leads, name):
    return bed.redis.client.pipeline(("HGET", key(lead), name) for lead in leads)


def start(bed, settings):
    bed.configure(**settings)
    bed.sink.refuse_later = True
    return bed.start_policyd(), bed.start_feed()


def report(bed, event, lead):
    """What an application tells of a lead, now."""
    program = os.path.join(bed.build, "test", "e2e", "report_event")
    subprocess.run([program, bed.config_path, event, lead], check=True, env=bed.environ)


def mail_everybody(bed, calendar, day):
    """One day's campaign, until each of its mails is taken, or has come back and is counted. Whose mailbox was full."""
    before = [int(rev or 0) for rev in fields(bed, FULL, "rev")]
    mark = len(bed.sink.refused)
    calendar.wait_for(day, MAIL_TIME)
    replies = bed.campaign(GOOD + FULL)
    assert time.time() < calendar.dawn(day) + 1, f"day {day}: this machine is too slow for a campaign within the second"
    after = [rev + (lead in replies.accepted) for lead, rev in zip(FULL, before)]
    bed.wait(lambda: [int(rev or 0) for rev in fields(bed, FULL, "rev")] == after, f"the bounces of day {day}")
    bed.wait(lambda: {len(bed.sink.received(lead)) for lead in GOOD} == {day}, f"the mails of day {day}")
    return bed.sink.refused[mark:]


def click(bed):
    assert bed.redis.call("EXISTS", key(CLICKS, "optout"))
    report(bed, "click", CLICKS)
    assert not bed.redis.call("EXISTS", key(CLICKS, "optout"))
    assert bed.redis.call("HMGET", key(CLICKS), "strikes", "cycle", "series") == ["0", "0", "0"]


def statistic(bed, section, pattern):
    found = re.search(pattern, bed.redis.call("INFO", section))
    return int(found[1]) if found else 0


def test_month(bed):
    call = bed.redis.call
    start(bed, DEFAULTS)
    arrived = {lead: [] for lead in FULL}
    calendar = Calendar()
    for day in MONTH:
        for lead in mail_everybody(bed, calendar, day):
            arrived[lead].append(day)
        if day == CLICK_DAY:
            calendar.wait_for(day, NOON)
            click(bed)

    assert arrived == {lead: WITH_A_CLICK if lead == CLICKS else EXAMPLE for lead in FULL}
    assert all(len(bed.sink.received(lead)) == len(MONTH) for lead in GOOD)
    assert not any(bed.redis.client.keys(key(lead) + "*") for lead in GOOD)

    # Eight bounces were applied to each, nothing else; the last of them opted her out for 24 days.
    for lead in FULL[1:]:
        assert call("HMGET", key(lead), "rev", "cycle", "strikes") == ["8", "4", "0"]
        assert call("EXPIRETIME", key(lead, "optout")) - int(call("HGET", key(lead), "since")) == 24 * DAY

    # Each opt-out that ended did so by Redis's own expiry, but for the one that the click lifted.
    assert statistic(bed, "stats", r"expired_keys:(\d+)") == 3 * len(FULL)
    entries = [dict(zip(words[::2], words[1::2])) for _, words in call("XRANGE", "leadgate:journal", "-", "+")]
    assert [entry["lead"] for entry in entries if entry["change"] == "lift"] == [CLICKS]


def test_series_limit(bed):
    """A suspension ends while no program runs; the next one, at the end of the series, has no end."""
    lead, call = FULL[0], bed.redis.call
    settings = {"lifecycle": {"series_limit": "4s"}, "causes": {"mailbox-full": {"first": "3s"}}, "reentry": {"share": "0%"}}
    programs = start(bed, settings)

    def mail(condition, what):
        assert bed.campaign([lead]).refused == []
        bed.wait(condition, what)
        bed.next_second()

    mail(lambda: call("HGET", key(lead), "strikes") == "1", "the first strike")
    mail(lambda: call("EXISTS", key(lead, "optout")), "the suspension")
    for program in programs:
        program.stop()
    end = call("EXPIRETIME", key(lead, "optout"))
    assert end == int(call("HGET", key(lead), "since")) + 3
    bed.wait(lambda: not call("EXISTS", key(lead, "optout")), "the suspension's end")
    assert time.time() >= end

    bed.start_policyd()
    bed.start_feed()
    mail(lambda: call("HGET", key(lead), "strikes") == "1", "the first strike after it")
    mail(lambda: call("EXISTS", key(lead, "optout")), "the permanent opt-out")
    assert call("TTL", key(lead, "optout")) == -1
    assert call("GET", key(lead, "optout")).startswith("kind=permanent cause=mailbox-full ")
    reply = bed.campaign([lead]).rcpt[lead]
    assert not reply.ok and "mailbox-full" in reply.text and "until" not in reply.text
