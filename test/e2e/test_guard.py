# SPDX-License-Identifier: BSD-2-Clause
"""What is held at RCPT TO for the sake of a provider: his bad day, too many who do not exist, too many who come back. An
operator's word in Redis counts within a second."""

import csv
import io
import json
import os
import re
import signal
import socket
import subprocess
import time

import pytest

from bed.smtp import Session

PROVIDER = "dest.test"  # of whom nothing else is known: the registrable domain
HELD = "450 4.7.1"


def passes(percent, lead):
    """Who is among the percentage: as the programs tell, here once more (FNV-1a, folded)."""
    value = 14695981039346656037
    for byte in lead.encode():
        value = (value ^ byte) * 1099511628211 % 2**64
    return (value ^ value >> 32) % 100 < percent


class Smtp:
    """RCPT TO, and no mail: what Postfix says of each recipient."""

    def __init__(self, bed):
        self.session = Session(bed.postfix.campaign_port)

    def ask(self, *recipients, sender="bounce@bounces.bed.test"):
        assert self.session.command(f"MAIL FROM:<{sender}>").ok
        replies = [self.session.command(f"RCPT TO:<{recipient}>") for recipient in recipients]
        assert self.session.command("RSET").ok
        return replies

    def close(self):
        self.session.close()


@pytest.fixture
def smtp(bed):
    opened = []

    def connect():
        opened.append(Smtp(bed))
        return opened[-1]

    yield connect
    for session in opened:
        session.close()


class Policy:
    """The same without Postfix, from the policy server itself."""

    def __init__(self, bed, sender="bounce@bounces.bed.test"):
        self.link, self.sender = socket.socket(socket.AF_UNIX), sender
        self.link.connect(bed.policy_socket)
        self.stream = self.link.makefile("rwb")

    def ask(self, *recipients):
        actions = []
        for recipient in recipients:
            request = ["request=smtpd_access_policy", "protocol_state=RCPT", f"sender={self.sender}", f"recipient={recipient}"]
            self.stream.write(("\n".join(request) + "\n\n").encode())
            self.stream.flush()
            actions.append(self.stream.readline().decode().removeprefix("action=").rstrip())
            self.stream.readline()
        return actions

    def held(self, *recipients):
        return [action.startswith(HELD) for action in self.ask(*recipients)]

    def close(self):
        self.stream.close()
        self.link.close()


@pytest.fixture
def policy(store):
    opened = []

    def connect(**more):
        opened.append(Policy(store, **more))
        return opened[-1]

    yield connect
    for link in opened:
        link.close()


def soon(bed, condition, what):
    """Within the second that is promised, and a little for a busy machine; how long it took."""
    begun = time.monotonic()
    bed.wait(condition, what, 1.5)
    return time.monotonic() - begun


# -- holds


def test_a_hold_by_hand(bed, smtp):
    """SET, and the next mail waits; it comes by itself when the key has ended. Nobody is refused for good."""
    policyd, client = bed.start_policyd(), smtp()
    assert client.ask("ann@dest.test")[0].ok
    bed.redis.call("SET", f"provider:{{{PROVIDER}}}:hold", "x", "PX", 3000)
    ends = time.monotonic() + 3
    soon(bed, lambda: not client.ask("ann@dest.test")[0].ok, "the hold to be obeyed")
    replies = client.ask("ann@dest.test", "bob@dest.test", "ann@other.test", "postmaster@dest.test")
    assert [reply.code for reply in replies] == [450, 450, 250, 250]
    assert "4.7.1" in replies[0].text and f"mail for {PROVIDER} is held back for now: hold" in replies[0].text
    bed.wait(lambda: client.ask("ann@dest.test")[0].ok, "the hold to end")
    assert ends - 0.1 < time.monotonic() < ends + 2
    line = policyd.lines("deferred")[0]
    assert (line["lead"], line["why"], line["provider"], line["stream"]) == ("ann@dest.test", "hold", PROVIDER, "default")


def test_held_mail_comes_again(bed):
    """A client that keeps its mail, as Postfix does, delivers it after the hold."""
    bed.start_policyd()
    bed.redis.call("SET", f"provider:{{{PROVIDER}}}:hold", "x")
    assert bed.campaign(["ann@dest.test"]).rcpt["ann@dest.test"].code == 450
    bed.redis.call("DEL", f"provider:{{{PROVIDER}}}:hold")
    bed.wait(lambda: bed.campaign(["ann@dest.test"]).accepted, "the mail to be taken")
    bed.wait(lambda: bed.sink.received("ann@dest.test"), "the mail")


def test_a_hold_from_before(store, policy):
    """A server that has just started, or never mailed there, lets nobody slip through first."""
    store.redis.call("SET", "provider:{big}:hold", "x")
    store.redis.call("HSET", "domain:{one.test}", "provider", "big")
    store.redis.call("HSET", "domain:{two.test}", "provider", "big", "at", 12)
    store.redis.call("SET", "domain:{three.test}:hold", "x")
    store.start_policyd()
    assert policy().held("a@one.test", "a@two.test", "a@three.test", "a@four.test") == [True, True, True, False]


def test_who_is_whitelisted_passes(store, policy):
    store.redis.call("SET", f"provider:{{{PROVIDER}}}:hold", "x")
    store.redis.call("SET", "lead:{ann@dest.test}:allow", "key account")
    store.redis.call("SET", "lead:{left@dest.test}:allow", "x")
    store.redis.call("HSET", "lead:{left@dest.test}:refused", "*", "cause=unsubscribe")
    store.start_policyd()
    client = policy()
    for _ in range(3):
        assert client.held("ann@dest.test", "bob@dest.test") == [False, True]
    assert client.ask("left@dest.test")[0].startswith("550")  # her own word goes first
    store.redis.call("SET", f"domain:{{{PROVIDER}}}:allow", "x")
    assert client.held("bob@dest.test") == [False]


def test_an_incident_lets_its_percentage_pass(bed, smtp):
    """Step by step the same leads, and more of them."""
    leads = [f"lead{number}@dest.test" for number in range(200)]
    policyd, client, before = bed.start_policyd(), smtp(), set()
    for percent in (0, 1, 5, 20, 50, 100):
        bed.redis.call("HSET", f"provider:{{{PROVIDER}}}:incident", "sign", "dead", "percent", percent)
        expected = {lead for lead in leads if passes(percent, lead)}
        probe = next((lead for lead in leads if lead in expected and lead not in before), None)
        if probe:
            soon(bed, lambda probe=probe: client.ask(probe)[0].ok, f"{percent} %")
        passed = {lead for lead in leads if client.ask(lead)[0].ok}
        assert passed == expected
        before = expected
    assert {line["why"] for line in policyd.lines("deferred")} == {"incident"}
    assert len(before) == 200


def test_observed_and_switched_off(store, policy):
    """`enforce: observe` says what it would have done; when_held: accept does not hold; each counts as what it was."""
    def counters():
        found = store.redis.client.hash("leadgate:counters")
        return {name: int(value) for name, value in found.items() if name.startswith("decisions.")}

    store.redis.call("SET", f"provider:{{{PROVIDER}}}:hold", "x")
    store.configure(policy={"enforce": "observe"})
    policyd = store.start_policyd()
    client = policy()
    assert client.ask("ann@dest.test") == ["DUNNO"]
    assert [line["why"] for line in policyd.lines("observed")] == ["hold"]
    store.configure(policy={"reply": {"held": "451 4.7.0 {lead} of {provider}: {cause}"}})
    policyd.signal(1)
    store.wait(lambda: "settings loaded again" in policyd.text(), "the reload")
    assert client.ask("ann@dest.test")[0].startswith("451 4.7.0 ann@dest.test of dest.test: hold")
    store.configure(incident={"when_held": "accept"})
    policyd.signal(1)
    store.wait(lambda: policyd.text().count("settings loaded again") == 2, "the reload")
    assert client.ask("ann@dest.test") == ["DUNNO"]
    expected = {"decisions.observed.hold": 1, "decisions.held.hold": 1, "decisions.passed": 1}
    store.wait(lambda: counters() == expected, "the counters")


def test_redis_away(store, policy):
    """What was held is decided by on_failure, like everything else."""
    store.redis.call("SET", f"provider:{{{PROVIDER}}}:hold", "x")
    store.start_policyd()
    client = policy()
    assert client.held("ann@dest.test") == [True]
    store.redis.stop()
    store.wait(lambda: client.ask("ann@dest.test") == ["DUNNO"], "on_failure to decide")
    store.redis.start()
    store.wait(lambda: client.held("ann@dest.test") == [True], "the hold to be known again")


# -- the guard, by shares that are written by hand


def good(bed, lead, score="0.2"):
    bed.redis.call("HSET", f"lead:{{{lead}}}", "delivered", int(time.time()) - 9000, "score", score)


def test_the_guard_holds_the_risky(bed, smtp):
    """Past the limit who never took mail waits, and who has fallen out of favour; the others never do."""
    policyd, client = bed.start_policyd(), smtp()
    good(bed, "good@dest.test")
    good(bed, "poor@dest.test", "-1.5")
    everybody = ["good@dest.test", "poor@dest.test", "new@dest.test", "new@other.test"]
    bed.redis.call("HSET", "leadgate:shares", f"{PROVIDER}/*", "1000 49")
    assert [reply.ok for reply in client.ask(*everybody)] == [True, True, True, True]
    bed.redis.call("HSET", "leadgate:shares", f"{PROVIDER}/*", "1000 80")
    soon(bed, lambda: not client.ask("new@dest.test")[0].ok, "the guard")
    replies = client.ask(*everybody)
    assert [reply.code for reply in replies] == [250, 450, 450, 250]
    line = policyd.lines("deferred")[-1]
    assert (line["lead"], line["why"], line["provider"], line["share"]) == ("new@dest.test", "guard", PROVIDER, "8.0")

    bed.redis.call("SET", f"provider:{{{PROVIDER}}}:release", "x", "EX", 60)
    soon(bed, lambda: client.ask("new@dest.test")[0].ok, "the release")
    assert all(reply.ok for reply in client.ask(*everybody))
    bed.redis.call("DEL", f"provider:{{{PROVIDER}}}:release")
    soon(bed, lambda: not client.ask("new@dest.test")[0].ok, "the release to end")


def test_the_guard_of_a_stream(store, policy):
    """A stream whose list is bad waits; another one's mail to the same provider does not."""
    store.configure(streams=[{"name": "news", "match": {"sender": ["news@bed.test"]}}, {"name": "rest"}])
    store.redis.call("HSET", "leadgate:shares", f"{PROVIDER}/*", "1000 70", f"{PROVIDER}/news", "200 40", f"{PROVIDER}/rest", "800 30")
    store.start_policyd()
    assert policy(sender="news@bed.test").held("new@dest.test") == [True]
    assert policy(sender="else@bed.test").held("new@dest.test") == [False]


def test_from_the_warning_on_the_risky_go_one_by_one(store, policy):
    """No more of them at once than could all be dead; their answers make room again."""
    store.redis.call("HSET", "leadgate:shares", f"{PROVIDER}/*", "1000 70")
    store.start_policyd()
    client = policy()
    held = client.held(*[f"new{number}@dest.test" for number in range(30)])
    assert held == [False] * 11 + [True] * 19  # (70 + 11) of (1000 + 11): 8 %
    passed = f"provider:{{{PROVIDER}}}:passed"
    store.wait(lambda: sum(map(int, store.redis.client.hash(passed).values())) == 11, "Redis to be told of them")
    store.redis.call("HSET", "leadgate:shares", f"{PROVIDER}/*", "1006 71 6 0")  # six of the eleven are answered
    soon(store, lambda: client.held("more@dest.test") == [False], "room for more")


def test_the_guard_observes(store, policy):
    store.configure(guard={"enforce": "observe"})
    store.redis.call("HSET", "leadgate:shares", f"{PROVIDER}/*", "1000 100")
    policyd = store.start_policyd()
    assert policy().held("new@dest.test") == [False]
    assert [(line["why"], line["share"]) for line in policyd.lines("observed")] == [("guard", "10.0")]


# -- who comes back


def come_back(bed, n):
    """As after a temporary opt-out that has ended."""
    leads = [f"back{number}@dest.test" for number in range(n)]
    bed.redis.call("SET", f"domain:{{{PROVIDER}}}:returning", 1)
    for lead in leads:
        bed.redis.call("SET", f"lead:{{{lead}}}:returning", "x", "EX", 600)
    return leads


def test_those_who_come_back_are_few_at_once(bed, smtp):
    """One in an hour, and 2 % of what the provider is sent; those who have taken mail since are like everybody."""
    back = come_back(bed, 10)
    policyd, client = bed.start_policyd(), smtp()
    while time.time() % 3600 > 3570:  # the numbers are those of an hour
        bed.next_second()
    assert [reply.code for reply in client.ask(*back)] == [250] + [450] * 9
    others = [f"lead{number}@dest.test" for number in range(98)]
    assert all(reply.ok for reply in client.ask(*others))
    assert [reply.code for reply in client.ask(*back)] == [250] + [450] * 9
    line = policyd.lines("deferred")[-1]
    assert (line["lead"], line["why"], line["provider"], line["share"]) == ("back9@dest.test", "reentry", PROVIDER, "2.0")
    bed.redis.call("DEL", *[f"lead:{{{lead}}}:returning" for lead in back])
    assert all(reply.ok for reply in client.ask(*back))


def test_without_a_budget_all_come_back(store, policy):
    store.configure(reentry={"share": "0%"})
    store.start_policyd()
    back = come_back(store, 10)
    assert policy().held(*back) == [False] * 10


# -- the guard, with Postfix, the log and the feed


def logged(bed, **more):
    """The log followed, whose relay on loopback is the world here; and looked at every second."""
    bed.configure(feed={"logs": [bed.postfix.log], "internal_relays": []}, incident={"window": "1m"}, **more)
    open(bed.postfix.log, "ab").close()
    os.truncate(bed.postfix.log, 0)
    bed.postfix.reset()
    bed.start_feed()
    bed.wait(lambda: bed.redis.call("EXISTS", "leadgate:followed"), "the feed to say so")
    return bed.start_policyd()


def worst_share(tried, floor=200):
    """The highest share of unknown recipients that a provider has seen from the floor on, as he counts."""
    dead, worst = 0, 0
    for number, (_, refusal) in enumerate(tried, 1):
        dead += refusal is not None
        if number >= floor:
            worst = max(worst, dead / number)
    return worst


def dirty(n):
    """Unknown leads, of whom 15 % do not exist."""
    return [f"{'dead' if number % 20 in (3, 9, 16) else 'new'}{number}@dest.test" for number in range(n)]


def send_at_once(bed, leads, size=80):
    """As fast as Postfix takes it, and no answer is waited for; those who have to wait."""
    held = []
    for at in range(0, len(leads), size):
        replies = bed.campaign(leads[at:at + size])
        assert {reply.code for reply in replies.rcpt.values()} <= {250, 450}
        held += replies.refused
    return held


def test_a_bad_list_never_reaches_ten_percent(bed):
    """15 % of a new list do not exist. It is sent all at once among mail to known leads, by a client that keeps what is
    answered 450 and tries again and again: the provider never sees 10 %, no known lead waits, and in the end everybody
    who exists has the mail."""
    policyd = logged(bed)
    known, unknown = [f"known{number}@dest.test" for number in range(800)], dirty(400)
    for lead in known:
        good(bed, lead)
    waiting = send_at_once(bed, [lead for pair in zip(unknown, known) for lead in pair])
    assert len(waiting) > 50 and not set(waiting) & set(known)  # it was the guard, not luck
    waiting += known[400:]
    ends = time.monotonic() + 60
    while waiting:
        assert time.monotonic() < ends, f"{len(waiting)} still wait"
        waiting = send_at_once(bed, waiting)
        assert not set(waiting) & set(known)
    bed.wait(lambda: not bed.postfix.queued(), "the queue to be empty")
    delivered = {recipient for mail in bed.sink.mails for recipient in mail.recipients}
    assert {lead for lead in unknown if lead.startswith("new")} | set(known) <= delivered
    assert sum(refusal is not None for _, refusal in bed.sink.tried) == 60
    assert worst_share(bed.sink.tried) <= 0.1
    assert {line["why"] for line in policyd.lines("deferred")} <= {"guard", "unanswered"}


def test_a_list_of_strangers_is_stopped(bed):
    """The same list, a large one and alone: what the provider sees of it is less than 10 % of the floor."""
    policyd = logged(bed)
    waiting = send_at_once(bed, dirty(1000))
    assert 890 <= len(waiting) <= 900 and {line["why"] for line in policyd.lines("deferred")} == {"unanswered"}
    ends = time.monotonic() + 240  # every two seconds one of them goes, by chance, and 15 % of them do not exist
    while policyd.lines("deferred")[-1]["why"] != "guard":
        assert time.monotonic() < ends, policyd.recent()
        waiting = send_at_once(bed, waiting)
    assert send_at_once(bed, waiting) == waiting
    bed.wait(lambda: not bed.postfix.queued(), "the queue to be empty")
    assert sum(refusal is not None for _, refusal in bed.sink.tried) <= 20
    good(bed, "known@dest.test")
    assert bed.campaign(["known@dest.test"]).accepted


def test_a_deferral_is_no_answer(bed):
    """A provider that defers them all says nothing of who exists. Whoever he has not answered for good stays under way,
    also for a policy server that was reloaded or started since; when he does, others may go."""
    policyd = logged(bed)
    bed.sink.rules.append((lambda local: local.startswith(("new", "dead")), "450 4.7.1 <{r}>: Greylisted, try again later"))
    waiting = send_at_once(bed, dirty(300))
    passed = 300 - len(waiting)
    assert passed == 100
    bed.wait(lambda: len(bed.sink.tried) > 2 * passed, "all to be tried twice")
    bed.next_second()  # and looked at
    bed.next_second()
    assert send_at_once(bed, waiting[:100]) == waiting[:100]
    policyd.signal(signal.SIGHUP)
    bed.wait(lambda: "settings loaded again" in policyd.text(), "the reload")
    assert send_at_once(bed, waiting[:100]) == waiting[:100]
    policyd.stop()
    bed.start_policyd()
    assert send_at_once(bed, waiting[:100]) == waiting[:100]
    bed.sink.rules.pop()

    def there_is_room():
        bed.postfix.flush()  # qmgr(8) leaves a message for a minute that it met too early, in the hands of smtp(8) still
        return not send_at_once(bed, [waiting[0]])

    bed.wait(there_is_room, "room for one more")


def test_what_is_not_looked_at_makes_no_room(bed):
    """Answers to mail of a stream that is off are tries, but let nobody else go: nobody was counted for them."""
    logged(bed, streams=[{"name": "now", "match": {"sender": ["now@bed.test"]}, "enforce": "off"}, {"name": "rest"}])

    def share():
        return (bed.redis.call("HGET", "leadgate:shares", f"{PROVIDER}/*") or "").split()[:3]

    assert bed.campaign([f"now{number}@dest.test" for number in range(30)], sender="now@bed.test").refused == []
    bed.wait(lambda: share() == ["30", "0", "0"], "their answers")
    assert bed.campaign([f"new{number}@dest.test" for number in range(30)]).refused == []
    bed.wait(lambda: share() == ["60", "0", "30"], "the others' answers")
    assert "under-way" not in leadgate(bed, "guard", "--format", "json").stdout


def test_a_first_list_is_seen(store, policy):
    """Of whom nothing was ever heard stands in the table while risky leads of his are under way."""
    store.redis.call("SET", "leadgate:followed", "x")
    store.start_policyd()
    client = policy()
    assert sum(client.held(*[f"new{number}@dest.test" for number in range(130)])) == 30
    want = {"provider": PROVIDER, "stream": "*", "tries": 0, "invalid": 0, "share": 0.0, "level": "calm", "under-way": 100}
    store.wait(lambda: [json.loads(line) for line in leadgate(store, "guard", "--format", "json").stdout.splitlines()] == [want], "the row")


def test_bounces_never_wait(store, policy):
    """Mail from <> goes to whoever sent what bounced, and is counted for nobody."""
    store.redis.call("SET", "leadgate:followed", "x")
    store.start_policyd()
    there = [f"bounce+{number}@{PROVIDER}" for number in range(300)]
    assert policy(sender="").held(*there) == [False] * 300
    assert sum(policy().held(*there)) == 200  # others do


def test_without_the_guard_it_would(bed):
    """The same list, unguarded: what the test before is about."""
    logged(bed, guard={"enforce": "off"})
    leads = dirty(220)
    assert send_at_once(bed, leads) == []
    bed.wait(lambda: len(bed.sink.tried) == len(leads), "all to be tried", 60)
    assert worst_share(bed.sink.tried) > 0.14


def test_from_a_full_mailbox_and_back(bed):
    """The whole way: opted out by bounces, let in again when that has ended, a few at a time, until each has mail."""
    logged(bed, lifecycle={"strike_spacing": "0s", "jitter": "0%"}, causes={"mailbox-full": {"strikes": 1}})
    leads = [f"full{number}@dest.test" for number in range(5)]
    keys = [f"lead:{{{lead}}}:optout" for lead in leads], [f"lead:{{{lead}}}:returning" for lead in leads]
    assert bed.campaign(leads).data.ok
    bed.wait(lambda: bed.redis.call("EXISTS", *keys[0]) == 5, "the opt-outs")
    assert bed.redis.call("EXISTS", *keys[1]) == 5
    assert bed.campaign(leads).refused == leads  # suppressed, not held
    bed.redis.call("DEL", *keys[0])  # as their TTL does
    bed.sink.rules.clear()
    bed.next_second()
    bed.next_second()  # an opt-out does not end within the second for which a domain is kept
    replies = bed.campaign(leads)
    assert [reply.code for reply in replies.rcpt.values()].count(450) >= 3  # two, where an hour begins just now
    bed.wait(lambda: bed.redis.call("EXISTS", *keys[1]) == 5 - len(replies.accepted), "the delivery to be known")
    assert bed.campaign(replies.accepted).refused == []


# -- the operator's command


def leadgate(bed, *arguments):
    argv = [f"{bed.bin}/leadgate", *arguments, "-c", bed.config_path]
    return subprocess.run(argv, capture_output=True, timeout=60, env=bed.environ, encoding="utf-8")


def test_the_command_shows_and_releases(store, policy):
    call = store.redis.call
    call("ZADD", "leadgate:providers", 1, "held.test", 1, "calm.test", 1, PROVIDER, 1, "quiet.test")
    call("HSET", "leadgate:shares", f"{PROVIDER}/*", "1000 83", f"{PROVIDER}/news", "20 9", "calm.test/*", "500 2",
         "unheard.test/*", "1000 55", "odd/*", "x", "nothing", "1 1", "evil\x1b/*", "1 1")
    call("SET", "provider:{held.test}:hold", "x")
    call("HSET", "provider:{calm.test}:incident", "percent", 5)
    call("SADD", "leadgate:open", "calm.test")
    five = int(time.time()) // 300
    call("HSET", "provider:{quiet.test}:passed", five, 3, five - 9, 50)
    call("HSET", "leadgate:shares", "quiet.test/*", "300 0 0 0", "calm.test/*", f"500 2 20 {five - 3}")
    call("HSET", "provider:{calm.test}:passed", five - 3, 30, five - 2, 12, five - 4, 99, "x", 5)
    store.start_policyd()
    client = policy()
    assert client.held("new@dest.test") == [True]

    store.next_second()
    done = leadgate(store, "guard", "--release", PROVIDER, "--for", "2h")
    assert done.returncode == 0 and done.stdout.startswith(f"{PROVIDER}: released until 20")
    soon(store, lambda: client.held("new@dest.test") == [False], "the release")
    assert 7190 < call("TTL", f"provider:{{{PROVIDER}}}:release") <= 7200
    entry = dict(zip(*[iter(call("XRANGE", "leadgate:incidents", "-", "+")[-1][1])] * 2))
    assert (entry["provider"], entry["action"], entry["by"]) == (PROVIDER, "release", "operator") and entry["at"] < entry["until"]

    # The end is told as a whole second: the same one as when it was set, at moments of a second that are later than that was.
    store.wait(lambda: call("PTTL", f"provider:{{{PROVIDER}}}:release") % 1000 > 500, "a later moment of a second")
    rows = [json.loads(line) for line in leadgate(store, "guard", "--format", "json").stdout.splitlines()]
    until = rows[0].pop("released")
    assert rows[2].pop("released") == until and until in done.stdout
    assert rows == [
        {"provider": PROVIDER, "stream": "*", "tries": 1000, "invalid": 83, "share": 8.3, "level": "limit"},
        {"provider": "unheard.test", "stream": "*", "tries": 1000, "invalid": 55, "share": 5.5, "level": "warn"},
        {"provider": PROVIDER, "stream": "news", "tries": 20, "invalid": 9, "share": 4.5, "level": "calm"},
        {"provider": "evil\x1b", "stream": "*", "tries": 1, "invalid": 1, "share": 0.5, "level": "calm"},
        {"provider": "calm.test", "stream": "*", "tries": 500, "invalid": 2, "share": 0.4, "level": "calm", "under-way": 22,
         "hold": "incident", "pass": 5},
        {"provider": "held.test", "stream": "*", "tries": 0, "invalid": 0, "share": 0.0, "level": "calm", "hold": "hold", "pass": 0},
        {"provider": "quiet.test", "stream": "*", "tries": 300, "invalid": 0, "share": 0.0, "level": "calm", "under-way": 3},
    ]
    table = list(csv.DictReader(io.StringIO(leadgate(store, "guard", "--format", "csv").stdout)))
    assert [(row["provider"], row["stream"], row["share"]) for row in table][:3] == [
        (PROVIDER, "*", "8.3"), ("unheard.test", "*", "5.5"), (PROVIDER, "news", "4.5")]
    text = leadgate(store, "guard").stdout
    assert "warning at 5 %, limit at 8 % of 200 tries or more" in text
    assert "calm, 22 risky under way, incident: 5 % pass" in text and "calm, hold: 0 % pass" in text and "\x1b" not in text


def test_who_is_released_is_known(store):
    """A slip of the finger is no release: the name is looked for as `leadgate incident open` does."""
    def release(name):
        done = leadgate(store, "guard", "--release", name)
        return done.returncode, done.stdout.partition(":")[0], done.stderr

    call = store.redis.call
    call("ZADD", "leadgate:providers", 1, "big")
    call("HSET", "domain:{one.test}", "provider", "big")
    call("HSET", "leadgate:shares", "shared/*", "10 0")
    call("ZADD", "leadgate:passed", 1, "never-mailed.test")
    call("SADD", "leadgate:open", "held")
    before = set(store.redis.client.keys("*"))
    unknown = release("nowhere.example")
    assert unknown[:2] == (1, "") and unknown[2].startswith("leadgate: nowhere.example: no such provider")
    assert leadgate(store, "incident", "open", "nowhere.example").stderr == unknown[2]
    assert set(store.redis.client.keys("*")) == before
    for name, provider in [("big", "big"), ("Big", "big"), ("one.test", "big"), ("shared", "shared"), ("never-mailed.test",) * 2, ("held", "held")]:
        assert release(name) == (0, provider, "")
        assert call("DEL", f"provider:{{{provider}}}:release") == 1


def told(bed, lead):
    """What show says of the hold, and what of the next bounces; and what why says of now."""
    shown, now = leadgate(bed, "show", lead), leadgate(bed, "why", lead)
    assert (shown.returncode, shown.stderr, now.returncode, now.stderr) == (0, "", 0, "")
    lines = shown.stdout.splitlines()
    held = [line.removeprefix("provider held ") for line in lines if line.startswith("provider held ")]
    following = [line.split("would be ")[1] for line in lines if line.startswith("the next ")]
    now = [line.removeprefix("now: ") for line in now.stdout.splitlines() if line.startswith("now: ")]
    assert [line for line in now if line.startswith("provider held: ")] == ["provider held: " + line for line in held]
    return held, following, [line for line in now if not line.startswith("provider held: ")]


GOOD = ["nothing stands against her"]
COUNTS = ["strike 1 of 2", "strike 1 of 1: opted out for good"]
EXCUSED = ["strike 1 of 2", "no strike: explained by the incident of big"]


def test_show_and_why_tell_of_a_hold(store, policy):
    """The same leads that the policy server has wait, with the name of the provider, by whom and until when."""
    call = store.redis.call
    call("HSET", "domain:{one.test}", "provider", "big")
    store.start_policyd()
    client = policy()
    assert told(store, "ann@one.test") == ([], COUNTS, GOOD) and client.held("ann@one.test") == [False]

    call("SET", "provider:{big}:hold", "they called")
    soon(store, lambda: client.held("ann@one.test") == [True], "the hold")
    assert told(store, "ann@one.test") == (["big, by hand; nobody passes"], COUNTS, [])
    store.next_second()
    call("EXPIRE", "provider:{big}:hold", 3600)
    (held,), _, now = told(store, "ann@one.test")
    assert re.fullmatch(r"big, by hand, until 20[0-9T:-]+Z; nobody passes", held) and now == []
    call("SET", "lead:{ann@one.test}:allow", "x")
    (held,), _, now = told(store, "ann@one.test")
    assert held.endswith("; nobody passes; not applied: whitelisted") and now == ["whitelisted", *GOOD]
    assert client.held("ann@one.test") == [False]
    assert told(store, "abuse@one.test")[0][0].endswith("; not applied: policy.never_refuse names her")
    call("DEL", "provider:{big}:hold", "lead:{ann@one.test}:allow")

    call("SET", f"provider:{{{PROVIDER}}}:hold", "x")  # of a domain that was never mailed it is the name
    assert told(store, "bob@mail.dest.test")[0] == [f"{PROVIDER}, by hand; nobody passes"]
    call("SET", "domain:{one.test}:hold", "x")
    soon(store, lambda: client.held("ann@one.test") == [True], "the domain's hold")
    assert told(store, "ann@one.test") == ([], COUNTS, ["domain held, by hand"])
    store.configure(incident={"when_held": "accept"})
    assert told(store, "ann@one.test") == ([], COUNTS, ["domain held, by hand; not applied: incident.when_held is accept", *GOOD])


def test_show_and_why_tell_of_an_incident(store, policy):
    """Who passes, and that a bounce which it explains counts for nothing."""
    call, now = store.redis.call, int(time.time())
    call("HSET", "domain:{one.test}", "provider", "big")
    call("ZADD", "leadgate:providers", now, "big")
    store.start_policyd()
    client = policy()
    assert leadgate(store, "incident", "open", "big").returncode == 0
    soon(store, lambda: client.held("ann@one.test") == [True], "the incident")
    (held,), following, rest = told(store, "ann@one.test")
    assert re.fullmatch(r"big, by its incident \(dead\) since (20\S+Z), opened by operator, until (20\S+Z); nobody passes", held)
    assert int(call("TTL", "provider:{big}:hold")) > 1800 and time.strftime("%Y-%m-%dT%H", time.gmtime(now + 1800)) in held
    assert (following, rest) == (EXCUSED, [])

    call("DEL", "provider:{big}:hold")
    call("HSET", "provider:{big}:incident", "percent", 20)
    leads = [f"lead{number}@one.test" for number in range(12)]
    expected = [not passes(20, lead) for lead in leads]
    assert True in expected and False in expected
    soon(store, lambda: client.held(*leads) == expected, "the step")
    for lead, waits in zip(leads, expected):
        (held,), following, rest = told(store, lead)
        assert held.endswith(f", opened by operator; 20 % pass, she {'does not' if waits else 'does'}"), lead
        assert (following, rest) == (EXCUSED, [] if waits else GOOD)

    call("EXPIRE", "provider:{big}:incident", 82000)  # nobody looks after it any more: it holds nobody, and explains
    soon(store, lambda: not any(client.held(*leads)), "the neglect")
    assert told(store, "ann@one.test") == ([], EXCUSED, GOOD)
    call("HSET", "provider:{big}:incident", "percent", 100)
    assert told(store, "ann@one.test") == ([], COUNTS, GOOD)

    call("DEL", "provider:{big}:incident")
    call("HSET", "provider:{big}:incident", "since", now + 7200, "sign", "dead")  # by somebody's hand, of what is to come
    (held,), following, rest = told(store, "ann@one.test")
    assert held.startswith("big, by its incident (dead) since 20") and held.endswith("Z; nobody passes") and (following, rest) == (COUNTS, [])
    store.redis.stop()
    assert [leadgate(store, command, "ann@one.test").returncode for command in ("show", "why")] == [75, 75]
    store.redis.start()


def test_the_command_refuses(store):
    for arguments in (["x"], ["--for", "1h"], ["--release", "a b"], ["--release", "a", "--for", "x"], ["--release", "a", "--until", "1999-01-01"]):
        assert leadgate(store, "guard", *arguments).returncode == 64, arguments
    assert leadgate(store, "guard").returncode == 0
    store.redis.stop()
    assert leadgate(store, "guard").returncode == 75
    assert leadgate(store, "guard", "--release", "a").returncode == 75
    store.redis.start()
