# SPDX-License-Identifier: BSD-2-Clause
"""A real Postfix, a world that answers by recipient, and two witnesses: Postfix's log and the bounces. Each alone, and both
together in whatever order, come to the same verdict about every lead."""

import os

import pytest

from bed import BOUNCE_ADDRESS

# lead -> how often it is mailed, how many of these bounce, and what comes of it: opt-out (kind, cause), strikes, cause, cycle.
NOTHING = (None, "0", None, "0")
SUSPENDED = (("temporary", "mailbox-full"), "0", "mailbox-full", "1")
FATES = {
    "good@dest.test": (2, 0, NOTHING),
    "slow@dest.test": (2, 0, NOTHING),
    "grey@dest.test": (2, 0, NOTHING),
    "soon@dest.test": (2, 0, NOTHING),
    "dead@dest.test": (1, 1, (("permanent", "user-unknown"), "0", "user-unknown", "1")),
    "full@dest.test": (2, 2, SUSPENDED),
    "late@dest.test": (2, 2, SUSPENDED),
}
# The same for those that are given up at the end of the queue's patience.
GIVEN_UP = {
    "busy@dest.test": (1, 1, (None, "1", "mailbox-full", "0")),
    "lost@dest.test": (1, 1, (None, "1", "network-error", "0")),
}
LEADS = {**FATES, **GIVEN_UP}
BOUNCES = sum(bounces for _, bounces, _ in LEADS.values())
EXPECTED = {lead: verdict for lead, (_, _, verdict) in LEADS.items()}


@pytest.fixture
def logged(bed):
    """The bed with its log followed; its relay is on loopback, which is the world here."""
    bed.configure(feed={"logs": [bed.postfix.log], "internal_relays": []})
    # What other tests have left in the log is not ours, and what we leave is not theirs.
    open(bed.postfix.log, "ab").close()
    os.truncate(bed.postfix.log, 0)
    bed.postfix.reset()
    yield bed


def send(bed, leads):
    """A message of its own to each, and until all of them have left the queue."""
    for lead in leads:
        assert bed.campaign([lead]).data.ok
    bed.wait(lambda: not bed.postfix.queued(), "the queue to be empty", 60)


def all_mails(bed):
    return [os.path.join(folder, name) for part in ("new", "cur") for folder in [os.path.join(bed.maildir, part)]
            for name in os.listdir(folder)]


def verdicts(bed):
    """{lead: (opt-out (kind, cause), strikes, cause, cycle)} of everybody who was mailed."""
    call, found = bed.redis.call, {}
    for lead, history in histories(bed).items():
        text = call("GET", f"lead:{{{lead}}}:optout")
        words = dict(word.split("=", 1) for word in text.split()) if text else {}
        optout = (words["kind"], words["cause"]) if words else None
        found[lead] = (optout, history.get("strikes", "0"), history.get("cause"), history.get("cycle", "0"))
    return found


def histories(bed):
    return {lead: bed.redis.client.hash(f"lead:{{{lead}}}") for lead in LEADS}


def read_log(bed):
    log = f"leadgate-feed.log-{len(bed.started)}"
    feed = bed.program("leadgate-feed", "-c", bed.config_path, "--log", bed.postfix.log, log=log).start()
    assert feed.wait(30) == 0
    return feed


def read_bounces(bed):
    """All bounces, whether they have been read before or not."""
    for path in all_mails(bed):
        os.rename(path, os.path.join(bed.maildir, "new", os.path.basename(path).split(":")[0]))
    log = f"leadgate-feed.mail-{len(bed.started)}"
    feed = bed.program("leadgate-feed", "-c", bed.config_path, "--once", log=log).start()
    assert feed.wait(30) == 0 and bed.new_mails() == []
    return feed


def bounces(feed):
    return [line["effect"] for line in feed.lines("event") if line["type"] == "bounce"]


def test_log_and_bounces_agree(logged):
    bed = logged
    bed.start_policyd()
    feed = bed.start_feed()
    for campaign in (1, 2):
        send(bed, [lead for lead, (mails, _, _) in FATES.items() if mails >= campaign])
        bed.next_second()
    with bed.postfix.setting(maximal_queue_lifetime="2s"):
        for lead in GIVEN_UP:  # one after the other: a lost connection holds up whoever else is on the way there
            send(bed, [lead])

    # Both at once, as they came.
    bed.wait(lambda: len(all_mails(bed)) == BOUNCES and not bed.new_mails(), f"{BOUNCES} bounces to be read")
    bed.wait(lambda: len(bounces(feed)) == 2 * BOUNCES, "the log to be read")
    assert verdicts(bed) == EXPECTED and bounces(feed).count("repeat") == BOUNCES
    assert bed.redis.client.keys(f"*{BOUNCE_ADDRESS}*") == []
    feed.stop()

    # Each alone.
    bed.redis.call("FLUSHALL")
    assert "repeat" not in bounces(read_bounces(bed))
    assert verdicts(bed) == EXPECTED
    bed.redis.call("FLUSHALL")
    assert "repeat" not in bounces(read_log(bed))
    assert verdicts(bed) == EXPECTED
    by_log = histories(bed)
    assert all(by_log[f"{name}@dest.test"]["deliveries"] == "2" for name in ("good", "slow", "grey", "soon"))

    # One after the other: the second has nothing new to say of a bounce.
    assert bounces(read_bounces(bed)) == ["repeat"] * BOUNCES
    assert histories(bed) == by_log
    bed.redis.call("FLUSHALL")
    read_bounces(bed)
    assert bounces(read_log(bed)) == ["repeat"] * BOUNCES
    assert verdicts(bed) == EXPECTED


def rotate(bed):
    """As contrib/postfix/README.md says: postlogd(8) makes the new file for root alone."""
    bed.postfix.run("postfix", "logrotate")
    open(bed.postfix.log, "ab").close()
    os.chmod(bed.postfix.log, 0o644)


def test_postfix_rotates_its_log(logged):
    """postfix logrotate: renames, reloads, compresses. The feed has seen everything, whether it was there or not."""
    bed = logged
    bed.configure(feed={"maildirs": [], "logs": [bed.postfix.log], "internal_relays": []})
    bed.start_policyd()
    feed = bed.start_feed()
    try:
        send(bed, ["dead1@dest.test"])
        bed.wait(lambda: optouts(bed) == 1, "the first opt-out")
        rotate(bed)
        send(bed, ["dead2@dest.test"])
        bed.wait(lambda: optouts(bed) == 2, "the second opt-out")
        feed.stop()
        send(bed, ["dead3@dest.test"])
        bed.next_second()  # the name has the second in it
        rotate(bed)
        send(bed, ["dead4@dest.test"])
        assert len(rotated(bed)) == 2 and all(name.endswith(".gz") for name in rotated(bed))
        feed = bed.start_feed()
        bed.wait(lambda: len(feed.lines("change")) >= 4, "all opt-outs")
        assert optouts(bed) == 4
        assert sorted(line["lead"] for line in feed.lines("change")) == [f"dead{i}@dest.test" for i in (1, 2, 3, 4)]
        assert "reading from its beginning" not in feed.text()
    finally:
        for name in rotated(bed):
            os.unlink(bed.log_path(name))


def optouts(bed):
    return len(bed.redis.client.keys("lead:*:optout"))


def rotated(bed):
    return [name for name in os.listdir(bed.logs) if name.startswith("mail.log.")]
