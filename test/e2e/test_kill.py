# SPDX-License-Identifier: BSD-2-Clause
"""SIGKILL, ten times, at points that a printed seed decides, in the middle of 500 bounces: afterwards everything is as
if nothing had happened."""

import os
import random
import re
import threading
import time

import pytest

from bed import Proxy, make_dsn, transaction
from states import assert_same_lifetimes, bounces, differences, lifetimes, state

KILLS, MAILS, LEADS = 10, 500, 100


@pytest.fixture
def chance():
    seed = int(os.environ.get("LEADGATE_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"LEADGATE_SEED={seed}")  # shown when the test fails
    return random.Random(seed)


def apply_undisturbed(bed, mails):
    for name, _, mail in mails:
        bed.put_mail(name, mail)
    bed.wait(lambda: not bed.new_mails(), "all mails to be dealt with", timeout=60)


@pytest.mark.parametrize("processed", ["keep", "delete"])
def test_feed(store, chance, processed):
    store.configure(feed={"processed": processed})
    mails = bounces(MAILS, LEADS, seed=1)
    store.make_maildir(store.maildir)
    feed = store.start_feed()
    apply_undisturbed(store, mails)
    calm, calm_lifetimes = state(store.redis), lifetimes(store.redis)
    assert len([key for key in calm if key.endswith("}")]) == LEADS
    feed.stop()
    store.redis.call("FLUSHALL")

    # Death comes while mails are moved away, or while Redis is asked and told.
    for name, _, mail in mails:
        store.put_mail(name, mail)
    interrupted = 0
    for _ in range(KILLS):
        here, before = len(store.new_mails()), commands(store)
        doomed = store.program("leadgate-feed", "-c", store.config_path).start()
        progress = chance.randrange(30)  # mails; it gets further until the signal arrives
        if chance.random() < 0.5:
            store.wait(lambda: here - len(store.new_mails()) >= min(progress, here), f"{progress} mails to be moved", longest=0)
        else:
            store.wait(lambda: commands(store) >= before + 7 * progress or not store.new_mails(), f"{progress} events", longest=0)
        doomed.kill()
        interrupted += len(store.new_mails()) > 0
    assert interrupted >= KILLS // 2
    store.start_feed()
    store.wait(lambda: not store.new_mails(), "all mails to be dealt with", timeout=60)
    assert differences(state(store.redis), calm) == []
    assert_same_lifetimes(lifetimes(store.redis), calm_lifetimes, tolerance=120)
    # The names of the second round are those of the first.
    assert len(os.listdir(os.path.join(store.maildir, "cur"))) == (MAILS if processed == "keep" else 0)
    assert not os.path.exists(os.path.join(store.maildir, ".Unrecognised"))


def commands(bed):
    """How many commands Redis has carried out."""
    return int(re.search(r"total_commands_processed:(\d+)", bed.redis.call("INFO", "stats"))[1])


def test_feed_on_an_mbox(store, chance):
    """A file read once, killed in the middle, is read again from its beginning."""
    mails = bounces(MAILS, LEADS, seed=2)
    mbox = os.path.join(store.dir, "bounces.mbox")
    with open(mbox, "wb") as file:
        for _, _, mail in mails:
            file.write(b"From MAILER-DAEMON Thu Jan  1 00:00:00 2026\n" + mail + b"\n")
    arguments = ("-c", store.config_path, "--mbox", mbox)
    assert store.program("leadgate-feed", *arguments).start().wait(60) == 0
    calm, calm_lifetimes = state(store.redis), lifetimes(store.redis)
    store.redis.call("FLUSHALL")

    for _ in range(KILLS):
        enough = commands(store) + chance.randrange(6 * MAILS)  # six to read what is known of a lead
        doomed = store.program("leadgate-feed", *arguments).start()
        store.wait(lambda: commands(store) >= enough or not doomed.running(), f"{enough} commands")
        doomed.kill()
    assert store.program("leadgate-feed", *arguments).start().wait(60) == 0
    assert differences(state(store.redis), calm) == []
    assert_same_lifetimes(lifetimes(store.redis), calm_lifetimes, tolerance=120)


MOMENTS = ("bounced", "scored", "struck", "since", "until", "series", "seen", "sent")


def without_moments(states):
    """The milter takes the moment at which a bounce arrives for the moment at which it happened."""

    def strip(value):
        if isinstance(value, str):
            return re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|\b\d{10}\b", "T", value)
        if isinstance(value, list):
            return [strip(item) for item in value]
        return {name: strip(text) for name, text in value.items()}

    return {key: (kind, strip(value)) for key, (kind, value) in states.items()}


def send_as_a_remote_queue(bed, mails, give_up):
    """One after the other, each until it is taken: what a mail server does with 4xx and broken connections."""
    for round_start in range(0, len(mails), LEADS):
        bed.next_second()
        for _, _, mail in mails[round_start : round_start + LEADS]:
            while not give_up.is_set() and not is_taken(bed, mail):
                time.sleep(0.05)  # the queue's retry time


def is_taken(bed, mail):
    try:
        reply = transaction(bed.postfix.port, ["bounce@bounces.bed.test"], sender="", message=mail).data
    except ConnectionError:
        return False
    return reply is not None and reply.ok


def test_milter(bed, chance):
    """With default_action=tempfail, and nothing behind the bounce address: the remote queues keep what is not applied."""
    bed.configure(milter={"after_bounce": "discard"})
    mails = bounces(MAILS, LEADS, seed=3)
    give_up = threading.Event()
    with bed.postfix.setting(smtpd_milters="{ unix:leadgate/milter, default_action=tempfail }",
                             smtpd_recipient_restrictions=""):  # no policy server runs here
        milter = bed.start_milter()
        send_as_a_remote_queue(bed, mails, give_up)
        calm, calm_lifetimes = without_moments(state(bed.redis, MOMENTS)), lifetimes(bed.redis)
        assert len([key for key in calm if key.endswith("}")]) == LEADS
        milter.stop()
        bed.redis.call("FLUSHALL")

        sender = threading.Thread(target=send_as_a_remote_queue, args=(bed, mails, give_up))
        milter = bed.start_milter()
        sender.start()
        try:
            for point in sorted(chance.randrange(1, MAILS) for _ in range(KILLS)):
                bed.wait(lambda: revisions(bed) >= point or not sender.is_alive(), f"{point} bounces to be applied", 120)
                time.sleep(chance.uniform(0, 0.02))
                milter.kill()
                milter = bed.start_milter()
            bed.wait(lambda: not sender.is_alive(), "all bounces to be taken", 120)
        finally:
            give_up.set()
            sender.join()
        assert differences(without_moments(state(bed.redis, MOMENTS)), calm) == []
        assert_same_lifetimes(lifetimes(bed.redis), calm_lifetimes, tolerance=120)


def revisions(bed):
    """How many commits there have been."""
    redis = bed.redis.client
    return sum(int(rev or 0) for rev in redis.pipeline(("HGET", f"lead:{{lead{i}@dest.test}}", "rev") for i in range(LEADS)))


def test_policyd(bed, chance):
    """500 dead addresses in ten campaigns while the policy server dies ten times: every campaign gets through, every
    bounce is counted, and afterwards every one of them is refused."""
    bed.start_feed()
    policyd = bed.start_policyd()
    campaigns = [[f"dead{c}.{i}@dest.test" for i in range(MAILS // KILLS)] for c in range(KILLS)]
    for recipients in campaigns:
        timer = threading.Timer(chance.uniform(0, 0.1), policyd.kill)
        timer.start()
        replies = []
        sender = threading.Thread(target=lambda r=recipients: replies.append(bed.campaign(r)))
        sender.start()
        timer.join()
        policyd = bed.start_policyd()
        sender.join()
        assert replies and replies[0].refused == [] and replies[0].data.ok
    bed.wait(lambda: len(bed.redis.client.keys("lead:*:optout")) == MAILS, "all opt-outs", timeout=60)
    revs = bed.redis.client.pipeline(("HGET", f"lead:{{{r}}}", "rev") for c in campaigns for r in c)
    assert revs == ["1"] * MAILS
    for recipients in campaigns:
        assert bed.campaign(recipients).accepted == []


# What one more bounce does -> the status of the bounces before it, and its own.
LAST_BOUNCES = {
    "strike": ([], "5.2.2"),
    "optout": ([], "5.1.1"),
    "in-flight": (["5.1.1"], "5.2.2"),
    "recorded": ([], "5.3.4"),
}


@pytest.fixture
def proxy(bed):
    proxy = Proxy(os.path.join(bed.run_dir, "redis"), bed.redis.path)
    bed.configure(redis={"address": f"unix:{proxy.path}", "timeout": "5s"}, milter={"after_bounce": "discard"})
    yield proxy
    proxy.close()


def by_milter(bed, mail, proxy=None):
    """A remote server's bounce; when the milter dies over it, the remote server sends it again, later."""
    milter = bed.start_milter()
    if proxy:
        proxy.arm(b"EVALSHA", milter.kill)
        assert not is_taken(bed, mail) and proxy.struck.wait(10)
        bed.next_second()
        milter = bed.start_milter()
    assert is_taken(bed, mail)
    milter.stop()


def by_feed(bed, mail, proxy=None):
    bed.make_maildir(bed.maildir)
    bed.put_mail(f"{time.time()}", mail)
    if proxy:
        feed = bed.program("leadgate-feed", "-c", bed.config_path, "--once")
        proxy.arm(b"EVALSHA", feed.kill)
        feed.start()
        assert proxy.struck.wait(10) and len(bed.new_mails()) == 1
        bed.next_second()
    assert bed.program("leadgate-feed", "-c", bed.config_path, "--once").start().wait(10) == 0
    assert bed.new_mails() == []


@pytest.mark.parametrize("effect", LAST_BOUNCES)
@pytest.mark.parametrize("apply", [by_milter, by_feed])
def test_between_commit_and_answer(bed, proxy, apply, effect):
    """Redis has committed, and the program dies before it hears of it: the same bounce, applied again, changes nothing."""
    before, last = LAST_BOUNCES[effect]
    found = []
    with bed.postfix.setting(smtpd_milters="{ unix:leadgate/milter, default_action=tempfail }",
                             smtpd_recipient_restrictions=""):
        for disturbed in (None, proxy):
            bed.redis.call("FLUSHALL")
            for number, status in enumerate([*before, last]):
                bed.next_second()
                mail = make_dsn("ann@dest.test", status, at=int(time.time()), message_id=f"m{number}")
                apply(bed, mail, disturbed if number == len(before) else None)
            found.append(without_moments(state(bed.redis, MOMENTS)))
    assert differences(*found) == []
