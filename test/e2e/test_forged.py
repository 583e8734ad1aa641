# SPDX-License-Identifier: BSD-2-Clause
"""Forgers against signed mail, on real servers: ten kinds of bounces that are not true, by every way in. What they reach
under `require` is nothing, and under `prefer` nothing for good. test_true_bounces has what must still count."""

import os
import socket
import time

import pytest
from bed import BOUNCE_ADDRESS, make_complaint, make_dsn, transaction
from bed.dsn import date
from bed.process import Process
from bed.smtp import Session
from bed.token import DIGITS, LENGTH, Key

DOMAIN = "bounces.bed.test"
EVE = "eve@dest.test"  # the forger: she gets our mail, so she has tokens, for herself
DAY = 86400


def set_up(bed, authenticity, **signing):
    key = Key(os.path.join(bed.dir, "signing.key"), bed.user)
    bed.configure(signing={"keys": [key.path], "authenticity": authenticity, "local_hosts": ["mail.bed.test"], **signing})
    return key


def with_token(mail, token):
    """In the header of the mail that came back."""
    head, mark, rest = mail.rpartition(b"\n\nReturn-Path: <")
    return head + b"\n\nX-Leadgate-Token: " + token.encode() + b"\nReturn-Path: <" + rest


def with_recipient(mail, lead):
    """One more, in the same report."""
    group = f"Final-Recipient: rfc822; {lead}\nAction: failed\nStatus: 5.1.1\n\n"
    return mail.replace(b"\nFinal-Recipient:", b"\n" + group.encode() + b"Final-Recipient:", 1)


def delivered(mail, to):
    """As virtual(8) and pipe(8) leave it."""
    return f"Return-Path: <>\nX-Original-To: {to}\nDelivered-To: {to}\n".encode() + mail


class Forger:
    """Bounces of ten kinds, the i-th of each; (bounce address, mail) pairs. There are some fifty victims of each kind. What a
    victim's true bounce had in it, the forger has seen (`replayed`), and tokens that are over."""

    KINDS = ["no_token", "another_leads", "expired", "bit_flips", "other_recipient", "replayed", "wrong_place", "two_reports",
             "nested", "pretends_to_be_us"]

    def __init__(self, key, victims=50):
        self.key, self.victims = key, victims
        self.eves = key.seal(DOMAIN, EVE)
        self.true = {lead: key.seal(DOMAIN, lead) for kind in ("expired", "bit_flips", "replayed", "wrong_place", "nested")
                     for lead in (self.victim(kind, i) for i in range(victims))}

    def victim(self, kind, i):
        return f"{kind}{i % self.victims}@dest.test"

    def plain(self, kind, i, at, to=BOUNCE_ADDRESS, **more):
        return make_dsn(self.victim(kind, i), "5.1.1", at=at, message_id=f"{kind}.{i}@forged.test", to=to, **more)

    def make(self, kind, i, at):
        return getattr(self, kind)(i, at)

    def no_token(self, i, at):
        return BOUNCE_ADDRESS, self.plain("no_token", i, at)

    def another_leads(self, i, at):
        """Eve's token vouches for Eve, not for who else is in the report."""
        lead = self.victim("another_leads", i)
        mail = with_recipient(make_dsn(EVE, "5.1.1", at=at, message_id=f"eve.{i}"), lead)
        return (BOUNCE_ADDRESS, with_token(mail, self.eves)) if i % 2 else (self.key.path_of(BOUNCE_ADDRESS, EVE), mail)

    def expired(self, i, at):
        lead, over = self.victim("expired", i), time.time() - 13 * DAY
        if i % 2:
            return BOUNCE_ADDRESS, with_token(self.plain("expired", i, at), self.key.seal(DOMAIN, lead, at=over))
        return self.key.path_of(BOUNCE_ADDRESS, lead, at=over), self.plain("expired", i, at)

    def bit_flips(self, i, at):
        """One of the 115 bits of a token that was good."""
        lead = self.victim("bit_flips", i)
        place, bit = divmod(i % (LENGTH * 5), 5)
        flip = lambda token: token[:place] + DIGITS[DIGITS.index(token[place]) ^ 1 << bit] + token[place + 1:]  # noqa: E731
        mail = self.plain("bit_flips", i, at)
        if i % 2:
            return BOUNCE_ADDRESS, with_token(mail, flip(self.true[lead]))
        return f"bounce+{flip(self.key.make(DOMAIN, lead))}={lead.replace('@', '=')}@{DOMAIN}", mail

    def other_recipient(self, i, at):
        """Eve's token in the victim's path, or above the victim's report, which then is about Eve."""
        lead = self.victim("other_recipient", i)
        mail = self.plain("other_recipient", i, at)
        if i % 2:
            return BOUNCE_ADDRESS, with_token(mail, self.eves)
        return f"bounce+{self.eves[:LENGTH]}={lead.replace('@', '=')}@{DOMAIN}", mail

    def replayed(self, i, at):
        """The victim's true bounce, which has been applied: with another Message-ID, Date, recipient's spelling."""
        lead = self.victim("replayed", i)
        mail = make_dsn(lead.upper() if i % 2 else lead, "5.2.2", at=at, message_id=f"replay.{i}")
        return BOUNCE_ADDRESS, with_token(mail, self.true[lead])

    def true_bounce(self, i, at):
        lead = self.victim("replayed", i)
        return with_token(make_dsn(lead, "5.2.2", at=at, message_id=f"true.{i}"), self.true[lead])

    def wrong_place(self, i, at):
        token = self.true[self.victim("wrong_place", i)].encode()
        mail = self.plain("wrong_place", i, at)
        field = b"X-Leadgate-Token: " + token
        return BOUNCE_ADDRESS, [
            lambda: mail.replace(b"I'm sorry", field + b"\n\nI'm sorry", 1),
            lambda: mail.replace(b"Undelivered Mail Returned to Sender", token, 1),
            lambda: mail.replace(b"\nAuto-Submitted:", b"\n" + field + b"\nAuto-Submitted:", 1),
            lambda: mail.replace(b"\nAction: failed", b"\n" + field + b"\nAction: failed", 1),
            lambda: mail.replace(b"\nMessage-ID: ", b"\n\n" + field + b"\nMessage-ID: ", 1),
        ][i % 5]()

    def two_reports(self, i, at):
        """In one mail, each in a part of its own; the first one is true."""
        lead = self.victim("two_reports", i)
        mail = with_token(make_dsn(EVE, "5.1.1", at=at, message_id=f"two.{i}"), self.eves)
        boundary = mail.split(b'boundary="', 1)[1].split(b'"', 1)[0]
        second = (b"--" + boundary + b"\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; r.test\n\n"
                  + f"Final-Recipient: rfc822; {lead}\nAction: failed\nStatus: 5.1.1\n\n".encode())
        return BOUNCE_ADDRESS, mail.replace(b"--" + boundary + b"--", second + b"--" + boundary + b"--")

    def nested(self, i, at):
        """The returned mail is a report with a returned mail, which has the token."""
        token = self.true[self.victim("nested", i)].encode()
        inner = (b"Content-Type: multipart/report; boundary=inner\n\n--inner\nContent-Type: message/delivery-status\n\n"
                 b"Reporting-MTA: dns; r.test\n\nFinal-Recipient: rfc822; " + self.victim("nested", i).encode() + b"\nAction: failed\n\n"
                 b"--inner\nContent-Type: message/rfc822\n\nX-Leadgate-Token: " + token + b"\nSubject: News\n\nx\n--inner--\n")
        return BOUNCE_ADDRESS, self.plain("nested", i, at).replace(b"\nMessage-ID: <", b"\n" + inner + b"\nMessage-ID: <", 1)

    def pretends_to_be_us(self, i, at):
        """What our own Postfix and its delivery agents would have written, but for what it does write itself."""
        path = self.key.path_of(BOUNCE_ADDRESS, EVE)
        ours = (f"Return-Path: <>\nX-Original-To: {path}\nDelivered-To: {path}\n"
                f"Received: by mail.bed.test (Postfix)\n\tid 4BED{i:X}; {date(at)}\nDate: ")
        return BOUNCE_ADDRESS, self.plain("pretends_to_be_us", i, at).replace(b"Date: ", ours.encode(), 1)


def victims_of(bed, pattern):
    """Keys of all but Eve, who may convict herself."""
    return [key for key in bed.redis.client.keys(pattern) if EVE not in key]


def strikes(bed):
    """{lead: (strikes, cycle)} of all victims of whom anything is known."""
    leads = [key for key in victims_of(bed, "lead:*") if key.endswith("}")]
    answers = bed.redis.client.pipeline(("HMGET", key, "strikes", "cycle") for key in leads)
    return {key[6:-1]: tuple(map(int, (a or "0" for a in answer))) for key, answer in zip(leads, answers)}


def feed_once(bed):
    """Reads the Maildir and ends; what it prints."""
    log = bed.log_path("once.log")
    feed = Process("leadgate-feed", [os.path.join(bed.bin, "leadgate-feed"), "-c", bed.config_path, "--once"], log, env=bed.environ, user=bed.user.pw_name)
    feed.start()
    assert feed.wait(60) == 0
    return dict(word.split("=") for word in feed.text().splitlines()[-1].split())


def expect_nothing_happened(bed, forger, replayed):
    """No opt-out, no strike, no will; of who had a true bounce, as it was."""
    assert victims_of(bed, "lead:*:optout") == victims_of(bed, "lead:*:refused") == []
    assert strikes(bed) == {forger.victim("replayed", i): (1, 0) for i in range(replayed)}


def test_ten_thousand_in_a_mailbox(store):
    """Under `require`, at all times of a year: nothing, and what is set aside has an end."""
    key = set_up(store, "require")
    store.make_maildir(store.maildir)
    forger, now = Forger(key), int(time.time())
    for i in range(forger.victims):
        store.put_mail(f"true.{i}", delivered(forger.true_bounce(i, now - 360 * DAY + i), BOUNCE_ADDRESS))
    assert feed_once(store)["events"] == "50"
    for number, kind in enumerate(Forger.KINDS):
        for i in range(1000):
            to, mail = forger.make(kind, i, now - (999 - i) * 8 * 3600 - number)
            store.put_mail(f"{number}.{i:04}", delivered(mail, to))
    tally = feed_once(store)
    assert tally["mails"] == "10000" and int(tally["unverified"]) >= 7500
    expect_nothing_happened(store, forger, forger.victims)
    assert store.new_mails() == []
    assert 1000 <= store.redis.call("XLEN", "leadgate:unverified") <= 10200
    reasons = {fields[fields.index("reason") + 1] for _, fields in store.redis.call("XRANGE", "leadgate:unverified", "-", "+")}
    assert {"none", "forged"} <= reasons <= {"none", "forged", "expired"}


def hang_up_on(path, times):
    """Whoever asks Redis there, so many times."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        os.chmod(path, 0o777)
        listener.listen()
        listener.settimeout(30)
        for _ in range(times):
            listener.accept()[0].close()


def test_nothing_to_apply_says_nothing_of_redis(store):
    """What is only set aside waits for Redis like the rest, and it is told once that it went, and once that it came."""
    set_up(store, "require")
    store.make_maildir(store.maildir)
    feed = store.start_feed()
    store.redis.stop()
    store.put_mail("1", make_dsn("ann@dest.test", at=int(time.time()) - 60, message_id="m1"))
    store.wait(lambda: "cannot commit to Redis" in feed.text(), "a word about Redis")
    hang_up_on(store.redis.path, 3)  # it tries again and again
    store.redis.start()
    store.wait(lambda: store.redis.call("XLEN", "leadgate:unverified") == 1 and not store.new_mails(), "the mail to be set aside")
    assert (feed.text().count("cannot commit"), feed.text().count("takes commits again")) == (1, 1)


def test_ten_thousand_are_never_for_good(store):
    """Under `prefer`, again and again for a year."""
    key = set_up(store, "prefer")
    store.make_maildir(store.maildir)
    forger, now = Forger(key, victims=5), int(time.time())
    for number, kind in enumerate(Forger.KINDS):
        for i in range(1000):
            to, mail = forger.make(kind, i, now - (999 - i) * 8 * 3600 - number)
            store.put_mail(f"{number}.{i:04}", delivered(mail, to))
    assert feed_once(store)["mails"] == "10000"
    suspended = victims_of(store, "lead:*:log")
    for lead in suspended:
        for _, fields in store.redis.call("XRANGE", lead, "-", "+"):
            entry = dict(zip(fields[::2], fields[1::2]))
            assert entry["change"] != "optout" or entry["kind"] == "temporary", (lead, entry)
    assert suspended, "the forger did not even try"
    assert all(store.redis.call("TTL", lead) > 0 for lead in victims_of(store, "lead:*:optout"))
    assert victims_of(store, "lead:*:refused") == []


@pytest.mark.parametrize("authenticity", ["require", "prefer"])
def test_by_the_milter(bed, authenticity):
    key = set_up(bed, authenticity)
    bed.start_policyd()
    milter = bed.start_milter()
    forger, now = Forger(key, victims=6), int(time.time())
    session = Session(bed.postfix.port)

    def send(to, mail):
        replies = [session.command("MAIL FROM:<>"), session.command(f"RCPT TO:<{to}>"), session.data(mail)]
        assert all(reply.ok for reply in replies), replies

    for i in range(forger.victims):
        send(BOUNCE_ADDRESS, forger.true_bounce(i, now))
    for kind in Forger.KINDS:
        for i in range(30):
            send(*forger.make(kind, i, now))
    session.close()
    if authenticity == "require":
        expect_nothing_happened(bed, forger, forger.victims)
        assert bed.redis.call("XLEN", "leadgate:unverified") == len(milter.lines("unverified")) >= 225
    else:
        assert all(bed.redis.call("TTL", lead) > 0 for lead in victims_of(bed, "lead:*:optout"))
        # Within the spacing of strikes, which the bed has none of: one each for what brings no token.
        assert any(count > (0, 0) for lead, count in strikes(bed).items() if lead.startswith("no_token"))
    wait_for_counter(bed, "unverified.milter.forged")


def wait_for_counter(bed, name):
    bed.wait(lambda: int(bed.redis.call("HGET", "leadgate:counters", name) or 0) > 0, f"the counter {name}")


@pytest.mark.parametrize("authenticity", ["require", "prefer"])
def test_through_the_pipe(piped, authenticity):
    key = set_up(piped, authenticity)
    piped.start_policyd()
    forger, now = Forger(key, victims=1), int(time.time())
    transaction(piped.postfix.port, [BOUNCE_ADDRESS], sender="", message=forger.true_bounce(0, now))
    piped.wait(lambda: strikes(piped), "the true bounce")
    for kind in Forger.KINDS:
        for i in range(4):
            to, mail = forger.make(kind, i, now)
            assert transaction(piped.postfix.port, [to], sender="", message=mail).data.ok
    piped.wait(lambda: not piped.postfix.queued(), "the queue to be empty", timeout=60)
    if authenticity == "require":
        expect_nothing_happened(piped, forger, 1)
        assert piped.redis.call("XLEN", "leadgate:unverified") >= 28
    assert all(piped.redis.call("TTL", lead) > 0 for lead in victims_of(piped, "lead:*:optout"))


def test_complaints(store):
    """No complaint without a good token, under `prefer`, too: a will has no end, so there is no mild form of it."""
    key = set_up(store, "prefer")
    store.make_maildir(store.maildir)
    now = int(time.time())
    forged = make_complaint("ann@dest.test", at=now, header={"Message-ID": "<m1>"})
    good = make_complaint("ben@dest.test", at=now, header={"X-Leadgate-Token": key.seal(DOMAIN, "ben@dest.test")})
    store.put_mail("forged", delivered(forged, BOUNCE_ADDRESS))
    store.put_mail("good", delivered(good, BOUNCE_ADDRESS))
    feed_once(store)
    assert store.redis.client.keys("lead:*:refused") == ["lead:{ben@dest.test}:refused"]
    (_, fields), = store.redis.call("XRANGE", "leadgate:unverified", "-", "+")
    assert dict(zip(fields[::2], fields[1::2]))["lead"] == "ann@dest.test"
