# SPDX-License-Identifier: BSD-2-Clause
"""Redis stopped: mail flows, or waits where the operator wants it to; bounces wait where they are; nothing is lost and
nothing counts twice when Redis is back."""

import time

import pytest

from bed import BedError, make_dsn, transaction

LEADS = [f"lead{i}@dest.test" for i in range(20)]


def bounces(leads=LEADS, at=None):
    at = at or int(time.time())
    return {lead: make_dsn(lead, "5.1.1", at=at, message_id=f"m-{lead}") for lead in leads}


def opted_out(bed):
    return sorted(key for key in bed.redis.client.keys("lead:*:optout"))


def expected():
    return sorted(f"lead:{{{lead}}}:optout" for lead in LEADS)


def each_counted_once(bed):
    revs = bed.redis.client.pipeline(("HGET", f"lead:{{{lead}}}", "rev") for lead in LEADS)
    return revs == ["1"] * len(LEADS)


def test_mail_flows(bed):
    policyd = bed.start_policyd()
    bed.redis.call("SET", "lead:{gone@dest.test}:optout", "")
    assert bed.campaign(["gone@dest.test"]).refused
    bed.redis.stop()
    assert bed.campaign(["gone@dest.test", "good@dest.test"]).refused == []
    bed.redis.start()
    bed.wait(lambda: bed.campaign(["gone@dest.test"]).refused, "enforcement, with Redis back")
    assert policyd.running()


def test_mail_is_deferred_on_request(bed):
    bed.configure(policy={"on_failure": "defer"})
    bed.start_policyd()
    bed.redis.stop()
    replies = bed.campaign(["good@dest.test", "postmaster@dest.test"])
    assert replies.rcpt["good@dest.test"].code // 100 == 4 and replies.rcpt["good@dest.test"].text.startswith("4.")
    assert replies.rcpt["postmaster@dest.test"].ok
    bed.redis.start()
    bed.wait(lambda: not bed.campaign(["good@dest.test"]).refused, "mail to flow, with Redis back")


def test_policyd_starts_without_redis(bed):
    bed.redis.stop()
    bed.start_policyd()
    assert bed.campaign(["good@dest.test"]).refused == []
    bed.redis.start()
    bed.redis.call("SET", "lead:{gone@dest.test}:optout", "")
    bed.wait(lambda: bed.campaign(["gone@dest.test"]).refused, "enforcement, with Redis there")


def test_bounces_wait_in_the_maildir(bed):
    feed = bed.start_feed()
    bed.redis.stop()
    for name, mail in enumerate(bounces().values()):
        bed.put_mail(f"{name:03d}", mail)
    bed.wait(lambda: "warning" in feed.text() or "error" in feed.text(), "a word about Redis")
    assert len(bed.new_mails()) == len(LEADS)
    bed.redis.start()
    bed.wait(lambda: not bed.new_mails(), "all mails to be dealt with")
    assert opted_out(bed) == expected() and each_counted_once(bed)


def test_bounces_wait_in_the_queue(piped):
    """pipe(8): leadgate-feed --stdin exits 75 and the mail stays queued."""
    piped.start_policyd()
    piped.redis.stop()
    for mail in bounces().values():
        transaction(piped.postfix.port, ["bounce@bounces.bed.test"], sender="", message=mail)
    piped.wait(lambda: piped.postfix.text().count("status=deferred") >= len(LEADS), "all of them to be deferred")
    assert len(piped.postfix.queued()) == len(LEADS)
    piped.redis.start()

    def delivered():
        piped.postfix.flush()
        return not piped.postfix.queued()

    piped.wait(delivered, "the queue to be empty", timeout=60)
    assert opted_out(piped) == expected() and each_counted_once(piped)
    assert "status=bounced" not in piped.postfix.text()


def test_bounces_survive_broken_settings(piped):
    """leadgate-feed --stdin exits 78 then, which pipe(8) takes for final; soft_bounce keeps the bounce all the same."""
    piped.start_policyd()
    path = piped.config_path
    with open(path, encoding="utf-8") as file:
        good = file.read()
    with open(path, "a", encoding="utf-8") as file:
        file.write("nonsense: true\n")
    for mail in bounces().values():
        transaction(piped.postfix.port, ["bounce@bounces.bed.test"], sender="", message=mail)
    piped.wait(lambda: piped.postfix.text().count("status=SOFTBOUNCE") >= len(LEADS), "all of them to be deferred")
    assert "status=bounced" not in piped.postfix.text()
    with open(path, "w", encoding="utf-8") as file:
        file.write(good)

    def delivered():
        piped.postfix.flush()
        return not piped.postfix.queued()

    piped.wait(delivered, "the queue to be empty", timeout=60)
    assert opted_out(piped) == expected() and each_counted_once(piped)


def test_bounces_wait_at_the_remote_server(bed):
    """The milter answers 4xx, so that the server that sent the bounce keeps it."""
    bed.start_policyd()
    bed.start_milter()
    bed.redis.stop()
    mails = bounces()
    for mail in mails.values():
        replies = transaction(bed.postfix.port, ["bounce@bounces.bed.test"], sender="", message=mail)
        assert replies.data.code == 451
    # Mail that is no bounce does not wait.
    assert transaction(bed.postfix.port, ["good@dest.test"], sender="news@bed.test").data.code == 250
    bed.redis.start()
    for mail in mails.values():
        bed.wait(lambda: transaction(bed.postfix.port, ["bounce@bounces.bed.test"], sender="", message=mail).data.ok,
                 "the milter to take it")
    assert opted_out(bed) == expected() and each_counted_once(bed)


def test_mbox_says_try_again(store):
    """A run that reads a file once exits 75, and 0 when it is run again."""
    mbox = store.dir + "/bounces.mbox"
    with open(mbox, "wb") as file:
        for mail in bounces().values():
            file.write(b"From MAILER-DAEMON Thu Jan  1 00:00:00 2026\n" + mail + b"\n")
    store.redis.stop()
    arguments = ("-c", store.config_path, "--mbox", mbox)
    assert store.program("leadgate-feed", *arguments).start().wait(30) == 75
    store.redis.start()
    for _ in range(2):
        assert store.program("leadgate-feed", *arguments).start().wait(30) == 0
    assert opted_out(store) == expected() and each_counted_once(store)


REFUSALS = {  # what Redis says to a write -> what brings it to say so, and what ends it
    "OOM": (("CONFIG", "SET", "maxmemory", 1), ("CONFIG", "SET", "maxmemory", 0)),
    "READONLY": (("REPLICAOF", "127.0.0.1", 1), ("REPLICAOF", "NO", "ONE")),
    "NOREPLICAS": (("CONFIG", "SET", "min-replicas-to-write", 1), ("CONFIG", "SET", "min-replicas-to-write", 0)),
}


@pytest.mark.parametrize("refusal", REFUSALS)
def test_redis_that_refuses_writes(bed, refusal):
    """For what is to be written that is the same as being away; RCPT TO goes on, since it only reads."""
    begin, end = REFUSALS[refusal]
    feed = bed.start_feed()
    bed.start_policyd()
    call = bed.redis.call
    call("SET", "lead:{gone@dest.test}:optout", "")
    call(*begin)
    try:
        bed.put_mail("1", bounces()[LEADS[0]])
        bed.wait(lambda: "warning" in feed.text() or "error" in feed.text(), "a word about Redis")
        assert bed.new_mails() == ["1"]
        assert bed.campaign(["gone@dest.test"]).refused
    finally:
        call(*end)
    bed.wait(lambda: not bed.new_mails(), "the mail to be dealt with")
    assert opted_out(bed) == ["lead:{gone@dest.test}:optout", f"lead:{{{LEADS[0]}}}:optout"]


def test_slow_redis(bed):
    """An answer that takes longer than the time-out counts as none; the RCPT TO is not held up longer than that."""
    bed.configure(redis={"timeout": "300ms"})
    bed.start_policyd()
    bed.campaign(["good@dest.test"])
    bed.redis.call("CLIENT", "PAUSE", 3000, "ALL")
    replies = bed.campaign(["good@dest.test"])
    assert replies.refused == [] and replies.seconds < 2.5


def test_a_bed_that_waits_in_vain_says_for_what(store):
    """The helper that all tests lean on can fail."""
    from bed import wait_until

    with pytest.raises(BedError, match="0.1 s in vain for nothing"):
        wait_until(lambda: False, 0.1, "nothing")
