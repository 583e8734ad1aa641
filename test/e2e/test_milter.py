# SPDX-License-Identifier: BSD-2-Clause
"""Mail that no policy server is asked about, and bounces on their way in."""

import signal
import subprocess
import sys
import time

from bed import make_dsn, transaction
from bed.smtp import campaign_message


def suppress(bed, *leads):
    for lead in leads:
        bed.redis.call("SET", f"lead:{{{lead}}}:optout", "kind=permanent cause=user-unknown")


def test_sendmail(bed):
    """sendmail(1): suppressed recipients are removed, the others get the mail, nobody else is told."""
    milter = bed.start_milter()
    suppress(bed, "gone@dest.test", "left@dest.test")
    bed.postfix.sendmail(["gone@dest.test", "good@dest.test", "left@dest.test"], campaign_message())
    bed.wait(lambda: bed.sink.received("good@dest.test"), "the mail")
    bed.wait(lambda: not bed.postfix.queued(), "the queue to be empty")
    assert sorted(line["lead"] for line in milter.lines("removed")) == ["gone@dest.test", "left@dest.test"]
    assert bed.sink.mails[0].recipients == ["good@dest.test"]
    assert bed.new_mails() == []  # no bounce either


def test_sendmail_with_nobody_left(bed):
    milter = bed.start_milter()
    suppress(bed, "gone@dest.test")
    bed.postfix.sendmail(["gone@dest.test"], campaign_message())
    bed.wait(lambda: milter.lines("removed"), "the removal")
    bed.wait(lambda: not bed.postfix.queued(), "the queue to be empty")
    assert bed.sink.mails == [] and bed.new_mails() == []


def test_sendmail_without_redis(bed):
    """Nobody knows who is suppressed: the mail goes out, and does not get stuck."""
    bed.start_milter()
    bed.redis.stop()
    bed.postfix.sendmail(["good@dest.test"], campaign_message())
    bed.wait(lambda: bed.sink.received("good@dest.test"), "the mail")


def test_sendmail_without_milter(bed):
    """default_action=accept."""
    bed.postfix.sendmail(["good@dest.test"], campaign_message())
    bed.wait(lambda: bed.sink.received("good@dest.test"), "the mail")


def test_chosen_smtp_service(bed):
    """For an application that cannot bear a refusal: all recipients are accepted, the suppressed get nothing."""
    bed.configure(milter={"filter_daemons": ["silent"]})
    bed.start_milter()
    suppress(bed, "gone@dest.test")
    with bed.postfix.setting(milter_macro_daemon_name="silent", smtpd_recipient_restrictions=""):
        replies = transaction(bed.postfix.port, ["gone@dest.test", "good@dest.test"], sender="news@bed.test")
        assert replies.refused == [] and replies.data.code == 250
        bed.wait(lambda: bed.sink.received("good@dest.test"), "the mail")
        assert bed.sink.mails[0].recipients == ["good@dest.test"]
        replies = transaction(bed.postfix.port, ["gone@dest.test"], sender="news@bed.test")
        assert replies.refused == [] and replies.data.code == 250
        bed.wait(lambda: not bed.postfix.queued(), "the queue to be empty")
        assert len(bed.sink.mails) == 1


def test_bounce_by_smtp(bed):
    """Applied, then delivered to the bounce address; or thrown away, by setting."""
    milter = bed.start_milter()
    mail = make_dsn("ann@dest.test", "5.1.1", at=int(time.time()), message_id="m1")
    assert transaction(bed.postfix.port, ["bounce+c1@bounces.bed.test"], sender="", message=mail).data.ok
    assert bed.redis.call("TTL", "lead:{ann@dest.test}:optout") == -1
    bed.wait(bed.new_mails, "the bounce in its mailbox")
    milter.stop()

    bed.configure(milter={"after_bounce": "discard"})
    bed.start_milter()
    mail = make_dsn("bob@dest.test", "5.1.1", at=int(time.time()), message_id="m2")
    assert transaction(bed.postfix.port, ["bounce@bounces.bed.test"], sender="", message=mail).data.ok
    assert bed.redis.call("TTL", "lead:{bob@dest.test}:optout") == -1
    bed.wait(lambda: not bed.postfix.queued(), "the queue to be empty")
    assert len(bed.new_mails()) == 1


def test_letter_to_the_bounce_address(bed):
    """A person's mail is nobody's bounce: it goes through, also where bounces are thrown away."""
    bed.configure(milter={"after_bounce": "discard"})
    bed.start_milter()
    letter = "From: ann@dest.test\nSubject: hello\n\nPlease take me off your list.\n"
    for sender in ("", "ann@dest.test"):
        assert transaction(bed.postfix.port, ["bounce@bounces.bed.test"], sender=sender, message=letter).data.ok
    bed.wait(lambda: len(bed.new_mails()) == 2, "both letters")
    assert bed.redis.client.keys() == []


def test_own_bounces_are_seen(bed):
    """What this Postfix itself returns (internal_mail_filter_classes = bounce) is applied, and always delivered."""
    bed.configure(milter={"after_bounce": "discard"})
    bed.start_milter()
    bed.campaign(["dead@dest.test"])
    bed.wait(lambda: bed.redis.call("EXISTS", "lead:{dead@dest.test}:optout"), "the opt-out")
    bed.wait(bed.new_mails, "the bounce in its mailbox")


def test_huge_bounce(bed):
    """Read up to max_size: the report stands in front of the returned mail."""
    bed.configure(milter={"max_size": "64KiB"})
    milter = bed.start_milter()
    mail = make_dsn("ann@dest.test", "5.1.1", at=int(time.time()), message_id="m1") + b"x" * 70 + b"\n"
    mail += (b"y" * 70 + b"\n") * 5000
    assert transaction(bed.postfix.port, ["bounce@bounces.bed.test"], sender="", message=mail).data.ok
    assert bed.redis.call("EXISTS", "lead:{ann@dest.test}:optout")
    assert len([line for line in milter.lines("warning") if line["text"] == "not all of a bounce was read"]) == 1
    assert milter.running()


def test_stopped_as_soon_as_it_is_ready(store):
    """Signals are for us, and not for a thread of libmilter's that begins to wait for them just then; which shows where
    threads wait for the processor."""
    others = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(4)]
    try:
        for _ in range(25):
            milter = store.start_milter()
            milter.signal(signal.SIGHUP)
            milter.stop()  # status 0
    finally:
        for other in others:
            other.kill()
            other.wait()
