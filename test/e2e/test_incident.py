# SPDX-License-Identifier: BSD-2-Clause
"""A provider's bad day, as the feed sees it in the delivery log: it is held, nobody is struck for it, the minutes before are
taken back, and its leads are let in again step by step. Several feeds: one leads, and another goes on where it died."""

import json
import os
import random
import signal
import subprocess
import time

import pytest

from bed.maillog import render

# Looks every second, holds of seconds.
FAST = {"window": "1m", "hold": "2s", "longest": "8s"}
STEPS = [("step", "1"), ("step", "5"), ("step", "20"), ("step", "50"), ("over", "100")]


class Log:
    """A delivery log that is being written. Each line is a try of one mail to one lead, in a second of its own."""

    def __init__(self, bed):
        self.path = os.path.join(bed.dir, "incident.log")
        self.number = 0
        with open(self.path, "wb"):
            os.chmod(self.path, 0o644)

    def tries(self, leads, provider, fate, at=None):
        """fate: `sent`, or what the provider says: `550 5.1.1 ...`."""
        at = at or time.time()
        with open(self.path, "ab") as log:
            log.write(b"".join(self._try(lead, provider, fate, at) for lead in leads))

    def _try(self, lead, provider, fate, at):
        self.number += 1
        relay = f"mx.{provider}[192.0.2.25]"
        queue_id, words = f"4{self.number:010X}", f"{fate}"
        if fate == "sent":
            status, dsn, text = "sent", "2.0.0", "250 2.0.0 Ok: queued as 12345"
        else:
            status, dsn = ("deferred" if words[0] == "4" else "bounced"), words.split()[1]
            text = f"host {relay} said: {words} (in reply to RCPT TO command)"
        return b"".join([
            render(at, "qmgr", f"{queue_id}: from=<bounce@bounces.bed.test>, size=2048, nrcpt=1 (queue active)"),
            render(at, "smtp", f"{queue_id}: to=<{lead}>, relay={relay}:25, delay=0.1, delays=0.1/0/0/0, dsn={dsn}, status={status} ({text})"),
            render(at, "qmgr", f"{queue_id}: removed") if status != "deferred" else b"",
        ])


DEAD = "550 5.1.1 <you>: does not exist"
FAULT = "451 4.3.0 Temporary system failure"


def leads_of(n, domain, name="lead"):
    return [f"{name}{i}@{domain}" for i in range(n)]


@pytest.fixture
def log(store):
    store.wait(lambda: time.time() % 86400 < 86400 - 60, "midnight, UTC: what counted() looks at is counted by days", 70)
    log = Log(store)
    store.configure(feed={"maildirs": [], "logs": [log.path]}, incident=FAST)
    return log


def journal(bed, provider):
    """[(action, percent)] of a provider, in order; what was told twice by a leader that died in between is once."""
    told = []
    for _, fields in bed.redis.call("XRANGE", "leadgate:incidents", "-", "+"):
        entry = dict(zip(fields[::2], fields[1::2]))
        if entry["provider"] == provider and entry not in told:
            told.append(entry)
    return told


def actions(bed, provider):
    return [(entry["action"], entry["percent"]) for entry in journal(bed, provider) if entry["action"] in ("open", "step", "hold", "over")]


def incident(bed, provider):
    return bed.redis.client.hash(f"provider:{{{provider}}}:incident")


def counted(bed, provider, field="tries"):
    return int(bed.redis.call("HGET", f"provider:{{{provider}}}:day:{int(time.time()) // 86400}", field) or 0)


def optouts(bed):
    return bed.redis.client.keys("lead:*:optout")


def deliver(bed, log, leads, provider):
    """They take mail; in another second than what comes after it."""
    before = counted(bed, provider, "delivered")
    log.tries(leads, provider, "sent")
    bed.wait(lambda: counted(bed, provider, "delivered") >= before + len(leads), "the deliveries to be counted")
    bed.next_second()


def wait_open(bed, provider):
    bed.wait(lambda: incident(bed, provider), f"an incident at {provider}")
    return incident(bed, provider)


def answer_until_over(bed, log, leads, provider):
    """Whoever would pass takes mail, step after step."""
    last = None
    while now := incident(bed, provider):
        if now["percent"] not in ("0", "100", last):
            bed.next_second()
            log.tries(leads, provider, "sent")
            last = now["percent"]
        bed.wait(lambda: incident(bed, provider) != now, "the next step")


def test_dead_and_back(store, log):
    """Leads who took mail are said not to exist: nobody is opted out for it, and when it is over all is as it was."""
    bed, leads = store, leads_of(200, "shop.test")
    feed = bed.start_feed()
    deliver(bed, log, leads, "big.test")
    known = {lead: bed.redis.client.hash(f"lead:{{{lead}}}") for lead in leads}
    log.tries(leads[:100], "big.test", DEAD)
    opened = wait_open(bed, "big.test")
    assert opened["sign"] == "dead" and opened["percent"] == "0" and 90 <= int(opened["size"]) <= 210
    assert bed.redis.call("GET", "provider:{big.test}:hold").startswith("incident=20")
    bed.wait(lambda: not optouts(bed), "the opt-outs to be taken back")
    # While it lasts a bounce is recorded, and no more.
    log.tries(leads[100:], "big.test", DEAD)
    bed.wait(lambda: counted(bed, "big.test", "known-dead") == 200, "the bounces to be counted")

    def excused():
        return [line for line in feed.lines("event") if line.get("excused") == "incident"]

    bed.wait(lambda: {line["lead"] for line in excused()} >= set(leads[100:]), "their lines")
    assert optouts(bed) == []
    for lead in leads:
        now = bed.redis.client.hash(f"lead:{{{lead}}}")
        assert {name: now.get(name) for name in ("score", "strikes", "cycle", "since")} == {name: known[lead].get(name) for name in ("score", "strikes", "cycle", "since")}
    # It heals, and they are let in again.
    answer_until_over(bed, log, leads, "big.test")
    bed.wait(lambda: actions(bed, "big.test") == [("open", "0"), *STEPS], "the journal")
    bed.wait(lambda: not bed.redis.call("EXISTS", "leadgate:open"), "nothing to be left")
    assert not bed.redis.client.keys("provider:{big.test}:hold")
    # Nor does it speak against the list.
    assert bed.redis.call("HGET", "leadgate:shares", "big.test/*").split()[1] == "0" and counted(bed, "big.test", "invalid") == 0
    back = [entry for entry in journal(bed, "big.test") if entry["action"] == "taken-back"]
    assert sum(int(entry["bounces"]) for entry in back) + len(excused()) == 200
    # From now on a dead lead is dead.
    bed.next_second()
    log.tries(["gone@shop.test"], "big.test", DEAD)
    bed.wait(lambda: optouts(bed) == ["lead:{gone@shop.test}:optout"], "an opt-out")
    logged = [line["action"] for line in feed.lines("incident")]
    assert logged.count("open") == 1 and logged.count("step") == 4 and logged.count("over") == 1
    bed.wait(lambda: bed.redis.call("HGET", "leadgate:counters", "incidents.step") == "4", "the counters")


def test_held_again_for_longer(store, log):
    """What is let in fails again: held anew, twice as long each time, not beyond the longest."""
    bed, leads = store, leads_of(100, "shop.test")
    bed.start_feed()
    deliver(bed, log, leads, "big.test")
    log.tries(leads, "big.test", FAULT)
    assert wait_open(bed, "big.test")["sign"] == "faults"
    lengths = []
    for _ in range(3):
        bed.wait(lambda: incident(bed, "big.test")["percent"] == "1", "the first step", 30)
        bed.next_second()
        log.tries(leads[:5], "big.test", FAULT)
        bed.wait(lambda: incident(bed, "big.test")["percent"] == "0", "the next hold")
        lengths.append(incident(bed, "big.test")["length"])
        assert bed.redis.call("EXISTS", "provider:{big.test}:hold")
    assert lengths == ["4", "8", "8"]
    want = [("open", "0"), *[("step", "1"), ("hold", "0")] * 3]
    bed.wait(lambda: actions(bed, "big.test") == want, "the journal")


def test_two_at_once_and_a_small_one(store, log):
    """Each provider has its own bad day; one with fewer leads than the floor has none."""
    bed = store
    bed.configure(feed={"maildirs": [], "logs": [log.path]}, incident={**FAST, "floor": 40})
    bed.start_feed()
    big, other, small, good = (leads_of(n, f"{name}.example", name) for n, name in ((60, "big"), (60, "other"), (39, "small"), (60, "good")))
    for leads, provider in ((big, "big.test"), (other, "other.test"), (small, "small.test"), (good, "good.test")):
        deliver(bed, log, leads, provider)
    log.tries(good, "good.test", "sent")
    log.tries(small, "small.test", DEAD)
    log.tries(big, "big.test", DEAD)
    log.tries(other, "other.test", FAULT)
    assert (wait_open(bed, "big.test")["sign"], wait_open(bed, "other.test")["sign"]) == ("dead", "faults")
    bed.wait(lambda: len(optouts(bed)) == len(small), "the opt-outs of the small one, and no others")
    bed.wait(lambda: sorted(bed.redis.call("SMEMBERS", "leadgate:open")) == ["big.test", "other.test"], "the list of both")
    answer_until_over(bed, log, other, "other.test")
    answer_until_over(bed, log, big, "big.test")
    bed.wait(lambda: actions(bed, "big.test")[-1] == actions(bed, "other.test")[-1] == ("over", "100"), "the journal")
    assert actions(bed, "small.test") == actions(bed, "good.test") == []
    assert all(lead.startswith("lead:{small") for lead in optouts(bed))


def share(bed, provider):
    """His tries that were answered for good, and who of them did not exist, as they were looked at last."""
    return " ".join((bed.redis.call("HGET", "leadgate:shares", f"{provider}/*") or "").split()[:2])


def test_its_usual_share_is_no_incident(store, log):
    """Something like a third of what one provider was sent fails on some days, and fails today."""
    bed, leads = store, leads_of(90, "shop.test")
    bed.start_feed()
    deliver(bed, log, leads[:1], "big.test")
    yesterday = f"provider:{{big.test}}:day:{int(time.time()) // 86400 - 1}"
    bed.redis.call("HSET", yesterday, "tries", "3000", "faults", "450", "logged", "3000")
    log.tries(leads[:30], "big.test", FAULT)
    log.tries(leads[30:], "big.test", "sent")
    bed.wait(lambda: counted(bed, "big.test") == 91, "the tries to be counted")
    bed.wait(lambda: share(bed, "big.test") == "61 0", "a look at them")
    assert incident(bed, "big.test") == {}
    bed.next_second()
    log.tries(leads[30:], "big.test", FAULT)
    assert wait_open(bed, "big.test")["sign"] == "faults"


def test_greylisting_is_no_incident(store, log):
    """A provider of whom nothing is known has everybody come again: he is tried, and nothing is wrong with him."""
    bed, leads = store, leads_of(100, "shop.test")
    bed.start_feed()
    log.tries(leads, "big.test", "450 4.2.0 <you>: Recipient address rejected: Greylisted, see http://postgrey.big.test/")
    bed.wait(lambda: counted(bed, "big.test") == 100, "the tries to be counted")
    bed.wait(lambda: share(bed, "big.test") == "0 0", "a look at them")
    assert incident(bed, "big.test") == {} and counted(bed, "big.test", "faults") == 0
    bed.next_second()
    log.tries(leads, "big.test", FAULT)
    assert wait_open(bed, "big.test")["sign"] == "faults"


def test_switched_off(store, log):
    """detect: false looks for nothing; switched on by a reload, it sees what is there."""
    bed, leads = store, leads_of(100, "shop.test")
    bed.configure(feed={"maildirs": [], "logs": [log.path]}, incident={**FAST, "detect": False})
    feed = bed.start_feed()
    deliver(bed, log, leads, "big.test")
    log.tries(leads, "big.test", DEAD)
    bed.wait(lambda: share(bed, "big.test") == "200 100", "a look at them")
    assert incident(bed, "big.test") == {} and len(optouts(bed)) == 100
    bed.configure(feed={"maildirs": [], "logs": [log.path]}, incident=FAST)
    feed.signal(signal.SIGHUP)
    wait_open(bed, "big.test")
    bed.wait(lambda: not optouts(bed), "the opt-outs to be taken back")


def test_an_operators_hand(store, log):
    """What an operator deletes is over, and is not opened again for what was before; his own hold stays, and nothing is
    opened while it is there."""
    bed = store
    bed.configure(feed={"maildirs": [], "logs": [log.path]}, incident={**FAST, "hold": "1h", "longest": "1h"})
    bed.start_feed()
    for deleted, why in (("hold", "hold-deleted"), ("incident", "gone")):
        provider, leads = f"{deleted}.test", leads_of(100, f"{deleted}.example")
        deliver(bed, log, leads, provider)
        log.tries(leads, provider, FAULT)
        wait_open(bed, provider)
        bed.redis.call("DEL", f"provider:{{{provider}}}:{deleted}")
        bed.wait(lambda: bed.redis.client.keys(f"provider:{{{provider}}}:[hi]*") == [], "the rest to go")
        bed.wait(lambda: journal(bed, provider)[-1]["action"] == "over", "the journal")
        assert journal(bed, provider)[-1]["why"] == why
    leads = leads_of(100, "mine.example")
    bed.redis.call("SET", "provider:{mine.test}:hold", "maintenance", "EX", 3600)
    deliver(bed, log, leads, "mine.test")
    log.tries(leads, "mine.test", FAULT)
    bed.wait(lambda: share(bed, "mine.test") == "100 0", "a look at them")
    bed.next_second()
    bed.next_second()
    for provider in ("hold.test", "incident.test", "mine.test"):
        assert incident(bed, provider) == {}
    assert bed.redis.call("GET", "provider:{mine.test}:hold") == "maintenance"


def test_news_of_somebodys_hand(store, log):
    """What stands in an incident as news is told, and forges nothing in the log."""
    bed = store
    feed = bed.start_feed()
    bed.redis.call("HSET", "provider:{big.test}:incident", "sign", "dead", "percent", "5",
                   "news", "action=open\nleadgate-feed: change lead=x a\nb=c = \x1b[31m")
    bed.redis.call("SADD", "leadgate:open", "big.test")
    bed.wait(lambda: not bed.redis.call("HEXISTS", "provider:{big.test}:incident", "news"), "the news to be told")
    bed.wait(lambda: feed.lines("incident"), "their line")
    assert feed.lines("change") == [] and "\x1b" not in feed.text()
    bed.wait(lambda: bed.redis.call("HGET", "leadgate:counters", "incidents.other") == "1", "the counter")


def start_leader(bed, log):
    """A feed that only leads: of the log there is one reader."""
    config = bed.config_path + ".leader"
    with open(bed.config_path, encoding="utf-8") as own, open(config, "w", encoding="utf-8") as file:
        file.write(own.read().replace(f'["{log.path}"]', "[]"))
    return bed.start_program("leadgate-feed", config=config, log=f"leader-{len(bed.started)}.log")


def leader(bed):
    return bed.redis.call("GET", "leadgate:leader")


def test_the_leader_dies(store, log):
    """Killed again and again while an incident goes through its steps: another feed goes on, no step is left out, and none is
    done twice."""
    bed, leads = store, leads_of(200, "shop.test")
    first = start_leader(bed, log)
    bed.wait(lambda: leader(bed), "a leader")
    reader = bed.start_feed()
    deliver(bed, log, leads, "big.test")
    log.tries(leads, "big.test", DEAD)
    wait_open(bed, "big.test")
    assert leader(bed).endswith(f":{first.pid}")
    first.kill()
    bed.wait(lambda: (leader(bed) or "").endswith(f":{reader.pid}"), "the other one to lead")
    # From now on the reader is the one that waits for the lead.
    reader.stop()
    while now := incident(bed, "big.test"):
        current = start_leader(bed, log)
        reader = bed.start_feed()
        if now["percent"] not in ("0", "100"):
            bed.next_second()
            log.tries(leads, "big.test", "sent")
        bed.wait(lambda: incident(bed, "big.test").get("percent") != now["percent"], "the next step", 30)
        for feed in (current, reader):
            feed.kill()
            bed.started.remove(feed)
    bed.started.remove(first)
    assert actions(bed, "big.test") == [("open", "0"), *STEPS]
    assert optouts(bed) == []


def test_redis_away_in_the_middle(store, log):
    """Stopped again and again: what the provider says meanwhile waits in the log, and the incident goes on where it was."""
    bed, leads = store, leads_of(200, "shop.test")
    bed.start_feed()
    deliver(bed, log, leads, "big.test")
    log.tries(leads[:100], "big.test", DEAD)
    wait_open(bed, "big.test")
    bed.redis.stop()
    log.tries(leads[100:], "big.test", DEAD)
    bed.redis.start()
    bed.wait(lambda: counted(bed, "big.test", "known-dead") == 200, "the bounces to be counted")
    bed.wait(lambda: not optouts(bed), "the opt-outs to be taken back")
    last = None
    while now := incident(bed, "big.test"):
        if now["percent"] not in ("0", "100", last):
            bed.next_second()
            bed.redis.stop()
            log.tries(leads, "big.test", "sent")
            bed.redis.start()
            last = now["percent"]
        bed.wait(lambda: incident(bed, "big.test") != now, "the next step", 30)
    bed.wait(lambda: actions(bed, "big.test") == [("open", "0"), *STEPS], "the journal")
    assert counted(bed, "big.test") == 200 + 200 + 4 * 200 and optouts(bed) == []


def test_a_feed_that_ends_leaves_the_lead(store, log):
    """Told to stop, it does not keep the others waiting for its lock to end."""
    bed = store
    bed.configure(feed={"maildirs": [], "logs": [log.path]})  # looks every ten seconds
    one = bed.start_feed()
    bed.wait(lambda: leader(bed), "a leader")
    one.stop()
    assert leader(bed) is None


# -- by hand


def leadgate(bed, *arguments):
    done = subprocess.run([os.path.join(bed.bin, "leadgate"), *arguments, "-c", bed.config_path], capture_output=True, timeout=60,
                          env=bed.environ, encoding="utf-8")
    assert done.stderr == "" or done.returncode != 0
    return done.returncode, done.stdout


def test_open_and_close_by_hand(store, log):
    """What an operator opens is held, taken back and let in again as if the feed had seen it; what he closes is over."""
    bed, leads = store, leads_of(60, "shop.test")
    bed.configure(feed={"maildirs": [], "logs": [log.path]}, incident={**FAST, "detect": False})
    bed.start_feed()
    deliver(bed, log, leads, "big.test")
    log.tries(leads[:30], "big.test", DEAD)
    bed.wait(lambda: len(optouts(bed)) == 30, "the opt-outs")
    assert leadgate(bed, "incident", "open", "nobody.test")[0] == 1
    status, out = leadgate(bed, "incident", "open", "shop.test")  # a domain of its
    assert status == 0 and out.startswith("big.test: held until ")
    assert leadgate(bed, "incident", "open", "big.test")[0] == 1
    bed.wait(lambda: not optouts(bed), "the opt-outs to be taken back")
    answer_until_over(bed, log, leads, "big.test")
    bed.wait(lambda: actions(bed, "big.test") == [("open", "0"), *STEPS], "the journal")
    assert [entry["by"] for entry in journal(bed, "big.test") if entry["action"] == "open"] == ["operator"]

    assert leadgate(bed, "incident", "close", "big.test")[0] == 1
    assert leadgate(bed, "incident", "open", "--sign", "faults", "big.test")[0] == 0
    assert leadgate(bed, "incident", "close", "big.test") == (0, "big.test: over: all its leads pass\n")
    assert bed.redis.client.keys("provider:{big.test}:hold") == []
    bed.wait(lambda: actions(bed, "big.test")[-1] == ("over", "100"), "the journal")
    bed.wait(lambda: not bed.redis.call("EXISTS", "leadgate:open"), "nothing to be left")

    # An operator's own hold is not the incident's, and stays.
    bed.redis.call("SET", "provider:{big.test}:hold", "they called", "EX", 3600)
    status, out = leadgate(bed, "incident", "open", "big.test")
    assert status == 0 and out.endswith(", by an operator's own hold\n")
    stays = "an operator's own hold stays: DEL 'provider:{big.test}:hold' ends it\n"
    assert leadgate(bed, "incident", "close", "big.test") == (0, "big.test: the incident is over; " + stays)
    assert leadgate(bed, "incident", "close", "big.test") == (1, "big.test: no incident is open; " + stays)
    assert bed.redis.call("GET", "provider:{big.test}:hold") == "they called"


def test_what_is_listed(store):
    bed, now = store, int(time.time())
    assert leadgate(bed, "incidents")[1].startswith("no provider is held\n")
    bed.redis.call("ZADD", "leadgate:providers", now, "mine.test", now, "calm.test", now, "big.test")
    bed.redis.call("SET", "provider:{mine.test}:hold", "maintenance\x1b[31m")
    bed.redis.call("SADD", "leadgate:open", "big.test")
    bed.redis.call("HSET", "provider:{big.test}:incident", "sign", "dead", "since", now - 60, "step", now, "percent", 5, "by", "mx:1")
    bed.redis.call("XADD", "leadgate:incidents", "*", "provider", "big.test", "action", "open", "at", "2026-11-25T01:00:00Z", "leads", "60")
    bed.redis.call("XADD", "leadgate:incidents", "*", "provider", "big.test", "action", "step\n", "at", "2026-11-25T02:00:00Z", "percent", "5")
    bed.redis.call("XADD", "leadgate:incidents", "*", "what", "ever")
    status, out = leadgate(bed, "incidents")
    held, last = out.split("\n\n")
    assert status == 0 and [line.split("\t")[:4] for line in held.splitlines()] == [["big.test", "recovering", "5%", "dead"], ["mine.test", "held", "0%", "-"]]
    assert last.splitlines()[2] == "2026-11-25T01:00:00Z\tbig.test\topen\tleads=60 " and len(last.splitlines()) == 3
    assert "\x1b" not in out
    found = [json.loads(line) for line in leadgate(bed, "incidents", "--format", "json")[1].splitlines()]
    assert [(row["provider"], row["state"], row["percent"], row["by"]) for row in found] == [("big.test", "recovering", 5, "mx:1"), ("mine.test", "held", 0, "operator")]
    assert leadgate(bed, "incidents", "--format", "csv")[1].splitlines()[0] == "provider,state,percent,sign,since,until,by"
    last = [json.loads(line) for line in leadgate(bed, "incidents", "--last", "5", "--format", "json")[1].splitlines()]
    assert last == [{}, {"at": "2026-11-25T02:00:00Z", "provider": "big.test", "action": "step\n", "percent": 5},
                    {"at": "2026-11-25T01:00:00Z", "provider": "big.test", "action": "open", "leads": 60}]
    rows = leadgate(bed, "incidents", "--last", "1", "--format", "csv")[1].splitlines()
    assert rows[0].startswith("at,provider,action,stream,sign,") and len(rows) == 2
    assert leadgate(bed, "incidents", "--last", "0")[0] == 64
    # One that no feed has looked at for an hour holds nobody.
    bed.redis.call("EXPIRE", "provider:{big.test}:incident", 82000)
    assert leadgate(bed, "incidents")[1].splitlines()[0].split("\t")[:4] == ["big.test", "neglected", "100%", "dead"]


# -- on a real Postfix


def passes(percent, lead):
    """Who is among the percentage: as the programs tell, here once more (FNV-1a, folded)."""
    value = 14695981039346656037
    for byte in lead.encode():
        value = (value ^ byte) * 1099511628211 % 2**64
    return (value ^ value >> 32) % 100 < percent


class World:
    """A provider with 800 of our leads: 500 of whom took mail, the other 300 are new to us, and 60 of these are dead."""

    def __init__(self, bed):
        self.bed = bed
        self.good = leads_of(500, "big.test", "good")
        self.fresh = leads_of(240, "big.test", "fresh")
        self.dead = leads_of(60, "big.test", "dead")
        self.leads = self.good + self.fresh + self.dead
        self.mails = 0

    def mail(self, leads):
        """One mail to each, fifty to a message; those whom Postfix took."""
        accepted = []
        for start in range(0, len(leads), 50):
            accepted += self.bed.campaign(leads[start:start + 50]).accepted
        self.mails += len(leads)
        return accepted

    def settle(self):
        """Until all of it has left the queue."""
        self.bed.wait(lambda: not self.bed.postfix.queued(), "the queue to be empty", 60)

    def heal(self):
        self.bed.sink.rules.pop()

    def break_down(self):
        self.bed.sink.rules.append((lambda local: True, "550 5.1.1 <{r}>: The email account that you tried to reach does not exist"))


def test_a_bad_day_through_postfix(bed):
    """500 leads took mail; then their provider says of everybody that there is no such user, and 2,000 mails are for it. Nobody of
    the 500 is opted out for good, what still goes there is probes, and when it heals the steps follow, all get mail, and the dead
    ones do not."""
    open(bed.postfix.log, "ab").close()
    os.truncate(bed.postfix.log, 0)
    bed.postfix.reset()
    bed.configure(feed={"maildirs": [], "logs": [bed.postfix.log], "internal_relays": []}, incident={**FAST, "hold": "4s"})
    bed.start_policyd()
    bed.start_feed()
    world, chance = World(bed), random.Random(7)
    assert len(world.mail(world.good)) == 500
    world.settle()
    bed.wait(lambda: counted(bed, "big.test", "delivered") == 500, "the deliveries to be counted")
    bed.next_second()

    # Mail goes on, beyond the first hold, and until it was held again.
    world.break_down()
    wall, probes, world.mails = [], [], 0
    while world.mails < 2000 or ("hold", "0") not in actions(bed, "big.test"):
        # For a second the policy server may go by what was before.
        held = time.time() > int(incident(bed, "big.test").get("since", 10**12)) + 2
        accepted = world.mail(chance.sample(world.leads, 50 if world.mails < 2000 else 800))
        (probes if held else wall).extend(accepted)
    assert incident(bed, "big.test")["sign"] == "dead"
    world.settle()
    bed.wait(lambda: not [key for key in optouts(bed) if "{good" in key], "the opt-outs of the good ones to be taken back", 30)
    assert len(bed.sink.refused) == len(wall) + len(probes) and len(wall) < world.mails / 2
    assert probes and all(passes(1, lead) for lead in probes)

    # It heals. Who has no mail is mailed again and again, as by a client that was told to come back.
    world.heal()
    mark = len(bed.sink.refused)

    def again():
        world.mail([lead for lead in world.leads if incident(bed, "big.test")])
        return incident(bed, "big.test") == {}

    bed.wait(again, "the incident to be over", 240)
    told = actions(bed, "big.test")
    assert told[:3] == [("open", "0"), ("step", "1"), ("hold", "0")] and told[-5:] == STEPS

    # All good leads get mail again, and the new ones; who is dead now is out.
    last = next(lead for lead in world.good if not passes(50, lead))
    bed.wait(lambda: world.mail([last]), "the policy server to see that it is over")
    world.settle()
    before = len(bed.sink.mails)
    bed.next_second()
    assert set(world.mail(world.leads)) >= set(world.good + world.fresh)
    world.settle()
    assert {lead for mail in bed.sink.mails[before:] for lead in mail.recipients} == set(world.good + world.fresh)
    bed.wait(lambda: sorted(optouts(bed)) == sorted(f"lead:{{{lead}}}:optout" for lead in world.dead), "the dead ones to be out")
    assert all(bed.redis.call("TTL", key) == -1 for key in optouts(bed))
    assert world.mail(world.dead) == [] and all(lead.startswith("dead") for lead in bed.sink.refused[mark:])
