# SPDX-License-Identifier: BSD-2-Clause
"""What an operator writes by hand, odd things too: the next RCPT TO obeys it, nothing crashes, nothing is lost."""

import time

import pytest

from bed import make_dsn

LEAD = "ann@dest.test"


def key(kind=None):
    return f"lead:{{{LEAD}}}" + (f":{kind}" if kind else "")


OPTOUTS = {
    "empty value": [("SET", key("optout"), "")],
    "free text": [("SET", key("optout"), "asked me on the phone, 3 May")],
    "with a TTL": [("SET", key("optout"), "kind=temporary cause=manual", "EX", 604800)],
    "a TTL where the value says permanent": [("SET", key("optout"), "kind=permanent cause=mailbox-full", "EX", 100)],
    "no TTL where the value says temporary": [("SET", key("optout"), "kind=temporary cause=mailbox-full until=1999")],
    "broken fields": [("SET", key("optout"), "kind= cause==;; cycle=99999999999999999999 \r\n since=x \x00 until=-5")],
    "bytes": [("SET", key("optout"), b"\xff\xfe\x00\r\n\r\n")],
    "very long": [("SET", key("optout"), "x" * 100000)],
    "a hash": [("HSET", key("optout"), "cause", "manual")],
    "a list": [("RPUSH", key("optout"), "1")],
    "refused, one stream": [("HSET", key("refused"), "*", "cause=unsubscribe since=2026-01-01T00:00:00Z")],
    "refused, free text": [("HSET", key("refused"), "*", "")],
    "refused although whitelisted": [("HSET", key("refused"), "*", "cause=complaint"), ("SET", key("allow"), "1")],
}

PASSES = {
    "whitelisted": [("SET", key("optout"), ""), ("SET", key("allow"), "key account")],
    "whitelisted, empty value": [("SET", key("optout"), ""), ("SET", key("allow"), "")],
    "whitelisted by a set": [("SET", key("optout"), ""), ("SADD", key("allow"), "x")],
    "whole domain whitelisted": [("SET", key("optout"), ""), ("SET", "domain:{dest.test}:allow", "")],
    "taken out": [("SET", key("optout"), ""), ("DEL", key("optout"))],
    "history of a wrong type": [("SET", key(), "what is this?")],
    "a hash with nonsense": [("HSET", key(), "strikes", "many", "rev", "-1", "cause", "bad luck", "until", "")],
}


@pytest.mark.parametrize("commands", OPTOUTS.values(), ids=OPTOUTS.keys())
def test_suppressed(bed, commands):
    bed.start_policyd()
    assert bed.campaign([LEAD]).refused == []
    bed.redis.client.pipeline(commands)
    reply = bed.campaign([LEAD]).rcpt[LEAD]
    assert reply.code // 100 == 5 and "[leadgate-suppressed]" in reply.text
    assert reply.text.isprintable() and reply.text.isascii()


@pytest.mark.parametrize("commands", PASSES.values(), ids=PASSES.keys())
def test_not_suppressed(bed, commands):
    bed.start_policyd()
    bed.redis.client.pipeline(commands)
    assert bed.campaign([LEAD]).refused == []


def test_ttl_decides_the_words(bed):
    """Whatever the value says, what has a TTL ends, and what has none does not."""
    bed.start_policyd()
    end = (int(time.time()) // 86400 + 2) * 86400 - 43200  # tomorrow, at noon
    bed.redis.call("SET", key("optout"), "kind=permanent cause=mailbox-full", "EXAT", end)
    until = time.strftime("%Y-%m-%d", time.gmtime(end))
    assert until in bed.campaign([LEAD]).rcpt[LEAD].text
    bed.redis.call("SET", key("optout"), "kind=temporary cause=mailbox-full until=2099-01-01T00:00:00Z")
    assert "until 2" not in bed.campaign([LEAD]).rcpt[LEAD].text


ODD = {name: commands for name, commands in {**OPTOUTS, **PASSES}.items()}


@pytest.mark.parametrize("commands", ODD.values(), ids=ODD.keys())
def test_bounces_after_a_slip(store, commands):
    """A bounce of a lead whose keys somebody wrote by hand: it is applied, and what was there is not lost."""
    store.start_feed()
    client = store.redis.client
    client.pipeline(commands)
    optout = client.dump(key("optout").replace("{", "\\{"))
    now = int(time.time())
    store.put_mail("1", make_dsn(LEAD, "5.1.1", at=now - 60, message_id="m1"))
    store.put_mail("2", make_dsn("bob@else.test", "5.1.1", at=now - 59, message_id="m2"))
    store.wait(lambda: not store.new_mails(), "the mails to be dealt with")
    assert client.call("EXISTS", "lead:{bob@else.test}:optout")
    assert client.call("TYPE", key()) == "hash" and client.call("HGET", key(), "bounced")
    for name, (kind, value, _) in optout.items():
        assert client.dump(name.replace("{", "\\{"))[name][:2] == (kind, value)  # in force, as it was written
    if ("SET", key(), "what is this?") in commands:
        assert client.call("GET", key() + ":odd") == "what is this?"


def test_operator_against_a_race(store):
    """An operator takes an opt-out away while bounces of the lead come in: her history goes on, nothing breaks."""
    feed = store.start_feed()
    client = store.redis.client
    now = int(time.time())
    for number in range(200):
        store.put_mail(f"{number:03d}", make_dsn(LEAD, "5.1.1", at=now - 1000 + number, message_id=f"m{number}"))
        client.call("DEL", key("optout"))
    store.wait(lambda: not store.new_mails(), "the mails to be dealt with")
    assert feed.running() and int(client.call("HGET", key(), "rev")) >= 1
