# SPDX-License-Identifier: BSD-2-Clause
"""What applications report on leadgate:events: every type, whatever is wrong with an entry, and every way in which a
reader can be stopped: nothing is lost, nothing counts twice."""

import os
import random
import re
import signal
import time

import pytest

from bed import Proxy
from bed.redis import Redis, RedisServer
from states import differences, state

EVENTS, REJECTED, GROUP = "leadgate:events", "leadgate:rejected", "leadgate"
LEAD = "lead:{ann@example.com}"


def report(bed, **fields):
    """XADD, as an application does it."""
    words = [word for name, value in fields.items() for word in (name, value)]
    return bed.redis.call("XADD", EVENTS, "*", *words)


def work_off(bed):
    """One run over what is there, and how many of its entries were set aside."""
    feed = bed.program("leadgate-feed", "-c", bed.config_path, "--once").start()
    assert feed.wait(60) == 0
    assert backlog(bed) == 0 and pending(bed) == 0
    return int(re.findall(r" rejected=(\d+)", feed.text())[-1])


def backlog(bed):
    return bed.redis.call("XLEN", EVENTS)


def pending(bed):
    if not bed.redis.call("EXISTS", EVENTS):
        return 0
    return bed.redis.call("XPENDING", EVENTS, GROUP)[0]


def rejected(bed):
    """[{field: value}], oldest first."""
    return [dict(zip(fields[::2], fields[1::2])) for _, fields in bed.redis.call("XRANGE", REJECTED, "-", "+")]


@pytest.fixture
def apps(store):
    """Redis alone, and a feed that has nothing but applications to listen to."""
    store.configure(feed={"maildirs": []})
    return store


def optout(bed):
    return bed.redis.call("GET", LEAD + ":optout")


# What is reported of a lead that is opted out for a full mailbox -> what is known of her then: fields of her history,
# whether the opt-out still stands, and what she refuses.
TYPES = {
    "open": ({"type": "open"}, {"score": "1"}, False, {}),
    "machine-open": ({"type": "machine-open"}, {"score": None, "engaged": None}, True, {}),
    "open of a machine": ({"type": "open", "machine": "1"}, {"score": None, "engaged": None}, True, {}),
    "click": ({"type": "click", "campaign": "autumn"}, {"score": "2"}, False, {}),
    "reply": ({"type": "reply"}, {"score": "2"}, False, {}),
    "delivered": ({"type": "delivered", "provider": "mx.example.com"}, {"score": "0.2", "deliveries": "1", "provider": "example.com"}, True, {}),
    "bounce by status": ({"type": "bounce", "status": "5.1.1"}, {"status": "5.1.1", "bounced": "AT"}, True, {}),
    "bounce by text": ({"type": "bounce", "text": "552 5.2.2 mailbox full"}, {"status": "5.2.2", "diag": "552 5.2.2 mailbox full"}, True, {}),
    "complaint": ({"type": "complaint", "stream": "news"}, {"score": "-5"}, True, {"news": "complaint"}),
    "unsubscribe": ({"type": "unsubscribe"}, {}, True, {"*": "unsubscribe"}),
    "resubscribe": ({"type": "resubscribe", "stream": "old"}, {"resubscribed.old": "AT"}, True, {"old": None}),
}


@pytest.mark.parametrize("reported", TYPES)
def test_every_type(apps, reported):
    fields, history, stands, refused = TYPES[reported]
    at = int(time.time()) - 10
    apps.redis.call("SET", LEAD + ":optout", "kind=temporary cause=mailbox-full", "EX", 3600)
    apps.redis.call("HSET", LEAD + ":refused", "old", "cause=unsubscribe since=1700000000")
    report(apps, lead="Ann@Example.COM", at=str(at), note="\xff\n", **fields)
    assert work_off(apps) == 0
    found = apps.redis.client.hash(LEAD)
    assert {name: found.get(name) for name in history} == {n: str(at) if v == "AT" else v for n, v in history.items()}
    assert bool(optout(apps)) == stands
    found = apps.redis.client.hash(LEAD + ":refused")
    for stream, cause in {"old": "unsubscribe", **refused}.items():
        assert found.get(stream, "").startswith(f"cause={cause} since=") == (cause is not None)
    # Reported once more, with its time, it is known already.
    once = state(apps.redis)
    report(apps, lead="ann@example.com", at=str(at * 1000 + 999), **fields)
    assert work_off(apps) == 0
    assert state(apps.redis) == once


def test_bounces_opt_out(apps):
    """With the numbers of mail: no such mailbox at once, a full one the second time."""
    report(apps, type="bounce", lead="ann@example.com", status="5.1.1", text="550 5.1.1 no such user", message="m1@shop.example")
    report(apps, type="bounce", lead="bob@example.com", status="5.2.2", at="2026-01-02T10:00:00Z")
    report(apps, type="bounce", lead="bob@example.com", text="552 mailbox is full", at="2026-01-03T10:00:00+01:00")
    assert work_off(apps) == 0
    assert "cause=user-unknown" in optout(apps) and apps.redis.call("TTL", LEAD + ":optout") == -1
    ((_, change),) = apps.redis.call("XRANGE", LEAD + ":log", "-", "+")
    change = dict(zip(change[::2], change[1::2]))
    assert change["source"] == "application" and change["evidence"] == "550 5.1.1 no such user"
    assert change["message"] == "m1@shop.example"
    ((_, change),) = apps.redis.call("XRANGE", "lead:{bob@example.com}:log", "-", "+")
    assert dict(zip(change[::2], change[1::2]))["at"] == "2026-01-03T09:00:00Z"


def test_time_of_the_entry(apps):
    """Where `at` is missing, or has not come yet, it is when the entry was added, however late it is read."""
    for at in ([], ["at", "2199-01-01"]):
        apps.redis.call("FLUSHALL")
        apps.redis.call("XADD", EVENTS, "1700000000123-5", "type", "click", "lead", "ann@example.com", *at)
        work_off(apps)
        assert apps.redis.client.hash(LEAD)["engaged"] == "1700000000"


def test_nobody_reports(apps):
    """Nothing is made for nothing."""
    work_off(apps)
    feed = apps.start_feed()
    seen = looks(apps)
    apps.wait(lambda: looks(apps) > seen + 3, "some looks")
    assert apps.redis.client.keys() == [] and feed.running()


POISON = {  # what an application wrote by mistake -> what the reason says
    "no type": (["lead", "ann@example.com"], "type: found none"),
    "unknown type": (["type", "opened", "lead", "ann@example.com"], 'type: found "opened"; allowed are open,'),
    "no lead": (["type", "open", "user", "ann"], "lead: found none"),
    "bad address": (["type", "open", "lead", "@@"], 'lead: found "@@"; '),
    "bad time": (["type", "open", "lead", "ann@example.com", "at", "noon"], 'at: found "noon"; allowed are seconds'),
    "bad word": (["type", "open", "lead", "ann@example.com", "machine", "?"], 'machine: found "?"; allowed are 1, yes,'),
    "bad stream": (["type", "complaint", "lead", "ann@example.com", "stream", "a b"], 'stream: found "a b"; allowed are'),
    "no reason": (["type", "bounce", "lead", "ann@example.com"], "status, text: found neither; "),
    "bad status": (["type", "bounce", "lead", "ann@example.com", "status", "hard"], 'status: found "hard"; '),
    "no UTF-8": (["type", "open", "lead", b"b\xfcro@example.com"], "lead: found bytes that are no UTF-8"),
    "twice": (["type", "open", "lead", "ann@example.com", "lead", "bob@example.com"], "lead: found it twice"),
    "huge": (["type", "open", "lead", "ann@example.com", "html", "x" * 70000], "field 3: found 70000 bytes; allowed are 65536"),
    "many": (["type", "open"] + ["field", "x"] * 20000, "lead: found none"),
    "NULs": (["type", b"\0", "lead", b"\0"], "type: found"),
}


def test_poison(apps):
    """Set aside with the reason, in words; what stands between is applied."""
    ids = {}
    for name, (words, _) in POISON.items():
        ids[name] = apps.redis.call("XADD", EVENTS, "*", *words)
        report(apps, type="click", lead=f"{len(ids)}@example.com")
    assert work_off(apps) == len(POISON)
    assert len(apps.redis.client.keys("lead:*")) == len(POISON)
    assert len(rejected(apps)) == len(POISON)
    for entry, (name, (words, reason)) in zip(rejected(apps), POISON.items()):
        assert entry["id"] == ids[name]
        assert reason in entry["reason"], name
        kept = [word for pair in list(entry.items())[2:] for word in pair]
        assert kept[0] == words[0] and len(kept) <= 2 * 64 and all(len(word) <= 1024 for word in kept)
        if len(words) <= 6 and name != "huge" and all(isinstance(word, str) for word in words) and name != "twice":
            assert kept == words


def test_rejected_of_a_wrong_type(apps):
    """An operator's slip: it is set aside itself, as keys of ours are everywhere."""
    apps.redis.call("SET", REJECTED, "mine")
    report(apps, type="nonsense")
    assert work_off(apps) == 1
    assert apps.redis.call("GET", REJECTED + ":odd") == "mine" and len(rejected(apps)) == 1


def test_rejected_is_trimmed(apps):
    apps.redis.client.pipeline(("XADD", EVENTS, "*", "type", "nonsense") for _ in range(12000))
    assert work_off(apps) == 12000
    assert 10000 <= apps.redis.call("XLEN", REJECTED) < 10200


def commands(bed):
    """How many commands Redis has carried out."""
    return int(re.search(r"total_commands_processed:(\d+)", bed.redis.call("INFO", "stats"))[1])


def looks(bed):
    """How often the feed has looked for entries: each time it asks for the time."""
    found = re.search(r"cmdstat_time:calls=(\d+)", bed.redis.call("INFO", "commandstats"))
    return int(found[1]) if found else 0


LOAD, LEADS, KILLS = 3000, 150, 12


def load(seed):
    """Reports of every type, some of them poison, each lead's in the order of their times; half of them leave the time
    to the entry's id."""
    chance = random.Random(seed)
    start = int(time.time()) - LOAD - 60
    shapes = [fields for fields, *_ in TYPES.values()] + [{"type": "nonsense"}]
    for i in range(LOAD):
        fields = {**chance.choice(shapes), "lead": f"lead{i % LEADS}@example.com", "message": f"m{i}@shop.example"}
        if chance.random() < 0.5:
            fields["at"] = str(start + i)
        words = [word for pair in fields.items() for word in pair]
        yield ("XADD", EVENTS, f"{start + i}000-0", *words)


def test_killed_under_load(apps):
    """SIGKILL, a dozen times, wherever it hits: afterwards everything is as if nothing had happened."""
    seed = int(os.environ.get("LEADGATE_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"LEADGATE_SEED={seed}")  # shown when the test fails
    chance = random.Random(seed)
    reports = list(load(seed))
    apps.redis.client.pipeline(reports)
    work_off(apps)
    calm = state(apps.redis)
    assert len([key for key in calm if key.endswith("}")]) == LEADS and len(calm[REJECTED][1]) > LOAD / 24
    apps.redis.call("FLUSHALL")

    apps.redis.client.pipeline(reports)
    interrupted = 0
    for _ in range(KILLS):
        enough = commands(apps) + chance.randrange(7 * LOAD // KILLS)
        doomed = apps.program("leadgate-feed", "-c", apps.config_path, log="doomed.log").start()
        apps.wait(lambda: commands(apps) >= enough or backlog(apps) == 0, f"{enough} commands")
        doomed.kill()
        interrupted += backlog(apps) > 0
    assert interrupted >= KILLS // 2
    work_off(apps)
    assert differences(state(apps.redis), calm) == []


# Where the reader dies -> the command to which Redis's answer never arrives.
MOMENTS = {"applied": b"EVALSHA", "set aside": b"EVAL\r\n", "settled": b"XDEL", "read": b"XREADGROUP"}


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_between(apps, moment):
    """Redis has carried the command out, and the reader dies before it hears of it."""
    reports = list(load(seed=7))[:100]
    apps.redis.client.pipeline(reports)
    work_off(apps)
    calm = state(apps.redis)
    apps.redis.call("FLUSHALL")
    proxy = Proxy(os.path.join(apps.run_dir, "redis"), apps.redis.path)
    try:
        apps.configure(redis={"address": f"unix:{proxy.path}", "timeout": "5s"}, feed={"maildirs": []})
        apps.redis.client.pipeline(reports)
        doomed = apps.program("leadgate-feed", "-c", apps.config_path)
        proxy.arm(MOMENTS[moment], doomed.kill)
        doomed.start()
        assert proxy.struck.wait(10)
        work_off(apps)
    finally:
        proxy.close()
    assert differences(state(apps.redis), calm) == []


@pytest.fixture
def proxied(apps):
    """The feed asks Redis through it."""
    proxy = Proxy(os.path.join(apps.run_dir, "redis"), apps.redis.path)
    apps.configure(redis={"address": f"unix:{proxy.path}"}, feed={"maildirs": []})
    yield proxy
    proxy.close()


def test_redis_dies_before_it_is_settled(apps, proxied):
    """It comes back with an older copy, in which the entry is there, and what it did is not."""
    feed = apps.start_feed()
    report(apps, type="click", lead="bob@example.com")
    apps.wait(lambda: apps.redis.call("EXISTS", "leadgate:counters") and backlog(apps) == 0, "the first one to be counted")
    apps.next_second()
    apps.next_second()  # so that the next one is counted at once
    feed.signal(signal.SIGSTOP)
    report(apps, type="click", lead="ann@example.com")
    apps.redis.call("SAVE")

    def dies():
        apps.redis.process.kill()
        apps.redis.start()

    proxied.arm(b"leadgate:counters", dies)  # it is applied by then
    feed.signal(signal.SIGCONT)
    assert proxied.struck.wait(10)
    apps.wait(lambda: backlog(apps) == 0, "the entry to be settled")
    assert apps.redis.call("EXISTS", LEAD)


def test_an_answer_is_lost(apps, proxied):
    """What Redis gave us, and we have not heard of, comes before what follows: else the later bounce would answer it."""
    apps.start_feed()
    report(apps, type="click", lead="bob@example.com")
    apps.wait(lambda: backlog(apps) == 0, "the first one")  # from here on the feed reads what is new
    proxied.arm(b"XREADGROUP", lambda: None)
    report(apps, type="bounce", lead="ann@example.com", status="5.1.1", message="m1", at="2026-01-01T00:00:00Z")
    assert proxied.struck.wait(10)
    report(apps, type="bounce", lead="ann@example.com", status="4.4.1", message="m2", at="2026-01-01T00:00:01Z")
    apps.wait(lambda: backlog(apps) == 0, "both to be dealt with")
    assert optout(apps)


def read_as(bed, reader, idle=0):
    """Another reader begins with everything, and is heard of no more for so many milliseconds."""
    call = bed.redis.call
    call("XGROUP", "CREATE", EVENTS, GROUP, "0")
    ((_, entries),) = call("XREADGROUP", "GROUP", GROUP, reader, "STREAMS", EVENTS, ">")
    call("XCLAIM", EVENTS, GROUP, reader, 0, *[id_ for id_, _ in entries], "IDLE", idle, "JUSTID")


def test_what_another_left_behind(apps):
    """Taken over when it has been silent for more than a minute; before that it is its own affair."""
    for i in range(1200):
        report(apps, type="click", lead=f"lead{i}@example.com")
    read_as(apps, "gone.example.com", idle=50000)
    report(apps, type="click", lead="ann@example.com")
    feed = apps.start_feed()
    apps.wait(lambda: backlog(apps) == 1200 and pending(apps) == 1200, "the new one")
    assert apps.redis.client.keys("lead:*") == [LEAD]
    apps.wait(lambda: backlog(apps) == 0, "the others", timeout=40)
    assert len(apps.redis.client.keys("lead:*")) == 1201 and pending(apps) == 0 and feed.running()


def test_what_we_left_behind(apps):
    """The same host, back again, need not wait."""
    for i in range(1200):
        report(apps, type="click", lead=f"lead{i}@example.com")
    read_as(apps, os.uname().nodename)
    work_off(apps)
    assert len(apps.redis.client.keys("lead:*")) == 1200


@pytest.mark.parametrize("idle", [0, 120000])
def test_deleted_while_pending(apps, idle):
    """Somebody has taken entries out of the stream (XDEL, XTRIM) that a reader had begun with."""
    for i in range(5):
        report(apps, type="click", lead=f"lead{i}@example.com")
    read_as(apps, "gone.example.com" if idle else os.uname().nodename, idle)
    apps.redis.call("XTRIM", EVENTS, "MAXLEN", 2)
    work_off(apps)
    assert len(apps.redis.client.keys("lead:*")) == 2


def test_redis_before_6_2(apps):
    """No XAUTOCLAIM: said once; what is new is read all the same, and what we left behind ourselves."""
    old = RedisServer(os.path.join(apps.dir, "redis-old"), apps.log_path("redis-old.log"))
    old.process.argv += ["--rename-command", "XAUTOCLAIM", ""]
    old.start()
    try:
        apps.configure(redis={"address": f"unix:{old.path}"}, feed={"maildirs": []})
        old.call("XADD", EVENTS, "*", "type", "click", "lead", "ann@example.com")
        old.call("XGROUP", "CREATE", EVENTS, GROUP, "0")
        old.call("XREADGROUP", "GROUP", GROUP, os.uname().nodename, "STREAMS", EVENTS, ">")
        feed = apps.start_feed()
        apps.wait(lambda: old.call("EXISTS", LEAD), "the click that was ours")
        old.call("XADD", EVENTS, "*", "type", "click", "lead", "bob@example.com")
        apps.wait(lambda: old.call("EXISTS", "lead:{bob@example.com}"), "the new click")
        assert said(feed, "older than 6.2") == 1 and said(feed, "cannot read") == 0
        feed.stop()
    finally:
        old.close()


def said(feed, words):
    return feed.text().count(words)


def test_redis_away(apps):
    feed = apps.start_feed()
    report(apps, type="click", lead="ann@example.com")
    apps.wait(lambda: apps.redis.call("EXISTS", LEAD), "the click")
    for n in (1, 2):
        apps.redis.stop()
        apps.wait(lambda: said(feed, "cannot read what applications report") == n, "a word about it")
        apps.redis.start()
        report(apps, type="click", lead=f"bob{n}@example.com")
        apps.wait(lambda: apps.redis.call("EXISTS", f"lead:{{bob{n}@example.com}}"), "the click, with Redis back")
        assert said(feed, "can be read again") == n
    apps.wait(lambda: backlog(apps) == 0, "the acknowledgements")
    assert feed.running()


def test_run_without_redis(apps):
    apps.redis.stop()
    assert apps.program("leadgate-feed", "-c", apps.config_path, "--once").start().wait(10) == 75


def test_redis_that_refuses_writes(apps):
    """What can be read, but not applied, waits."""
    report(apps, type="nonsense")
    report(apps, type="click", lead="ann@example.com")
    apps.redis.call("CONFIG", "SET", "maxmemory", 1)
    try:
        feed = apps.start_feed()
        apps.wait(lambda: said(feed, "OOM") > 0, "a word about it")
        assert backlog(apps) == 2 and not apps.redis.call("EXISTS", LEAD)
    finally:
        apps.redis.call("CONFIG", "SET", "maxmemory", 0)
    apps.wait(lambda: backlog(apps) == 0, "both to be dealt with")
    assert apps.redis.call("EXISTS", LEAD) and len(rejected(apps)) == 1 and feed.running()


LOSSES = {
    "stream": [("DEL", EVENTS)],
    "group": [("XGROUP", "DESTROY", EVENTS, GROUP)],
    "everything": [("FLUSHALL",)],
    "scripts": [("SCRIPT", "FLUSH")],
}


@pytest.mark.parametrize("loss", LOSSES)
def test_lost_under_it(apps, loss):
    """Deleted while the feed runs: made again, and what is reported next is applied."""
    feed = apps.start_feed()
    for n in range(3):
        lead = f"{n}@example.com"
        report(apps, type="click", lead=lead)
        apps.wait(lambda: apps.redis.call("EXISTS", f"lead:{{{lead}}}") and backlog(apps) == 0, f"click {n}")
        apps.redis.client.pipeline(LOSSES[loss])
    assert said(feed, "cannot read") == 0


def test_key_of_a_wrong_type(apps):
    """Said once, and tried again until somebody has put it right."""
    apps.redis.call("SET", EVENTS, "x")
    feed = apps.start_feed()
    apps.wait(lambda: said(feed, EVENTS + " is no stream"), "a word about it")
    seen = looks(apps)
    apps.wait(lambda: looks(apps) > seen + 1, "more looks")
    assert said(feed, "is no stream") == 1
    apps.redis.call("RENAME", EVENTS, "x")
    report(apps, type="click", lead="ann@example.com")
    apps.wait(lambda: apps.redis.call("EXISTS", LEAD), "the click")
    assert said(feed, "can be read again") == 1


def test_switched_off(apps):
    """feed.applications: false leaves the stream alone; on is a matter of a reload."""
    apps.configure(feed={"applications": False})
    feed = apps.start_feed()
    report(apps, type="click", lead="ann@example.com")
    asked = commands(apps)
    apps.next_second()
    assert commands(apps) == asked + 1 and backlog(apps) == 1  # that one command is ours
    apps.configure(feed={"applications": True})
    feed.signal(signal.SIGHUP)
    apps.wait(lambda: apps.redis.call("EXISTS", LEAD), "the click")

    apps.configure(feed={"applications": False, "maildirs": []})
    nothing = apps.program("leadgate-feed", "-c", apps.config_path, "--once", log="nothing.log").start()
    assert nothing.wait(10) == 78 and "there is nothing to read" in nothing.text()


def test_what_an_application_may(apps):
    """The README's ACL: it can report, and neither see nor change a lead."""
    apps.redis.call("ACL", "SETUSER", "shop", "on", ">secret", "resetkeys", "%W~leadgate:events", "-@all", "+xadd")
    shop = Redis(apps.redis.path)
    try:
        shop.call("AUTH", "shop", "secret")
        shop.call("XADD", EVENTS, "*", "type", "click", "lead", "ann@example.com")
        refused = shop.pipeline([("GET", LEAD + ":optout"), ("XRANGE", EVENTS, "-", "+"), ("DEL", EVENTS),
                                 ("XADD", "leadgate:journal", "*", "a", "b"), ("SET", LEAD + ":optout", "x")])
        assert all(str(answer).startswith("NOPERM") for answer in refused)
    finally:
        shop.close()
        apps.redis.call("ACL", "DELUSER", "shop")
    work_off(apps)
    assert apps.redis.call("EXISTS", LEAD)


def test_a_click_lets_in_within_a_second(bed):
    """Through everything: an opted-out lead is refused, clicks, and gets the next mail."""
    bed.start_policyd()
    bed.start_feed()
    bed.redis.call("SET", LEAD + ":optout", "kind=permanent cause=user-unknown")
    assert bed.campaign(["ann@example.com"]).refused == ["ann@example.com"]
    begin = time.monotonic()
    report(bed, type="click", lead="ann@example.com")
    bed.wait(lambda: not bed.redis.call("EXISTS", LEAD + ":optout"), "the opt-out to go")
    assert time.monotonic() - begin < 1
    assert bed.campaign(["ann@example.com"]).refused == []
