# SPDX-License-Identifier: BSD-2-Clause
"""What one SMTP transaction meets: many refusals, spellings of one mailbox, the settings of the policy server."""

import signal
import time

import pytest

from bed import smtp
from bed.smtp import campaign_message


def suppress(bed, *leads, value="kind=permanent cause=user-unknown status=5.1.1"):
    for lead in leads:
        bed.redis.call("SET", f"lead:{{{lead}}}:optout", value)


def test_one_good_among_fifty(bed):
    """The good one gets the mail, at once, and nobody says 421."""
    bed.start_policyd()
    suppressed = [f"gone{i}@dest.test" for i in range(50)]
    suppress(bed, *suppressed)
    bed.campaign(["first@dest.test"])  # this smtpd(8) may still hold a connection to the policy server before
    replies = bed.campaign([*suppressed[:25], "good@dest.test", *suppressed[25:]])
    assert replies.accepted == ["good@dest.test"] and replies.data.code == 250
    assert {reply.code // 100 for recipient, reply in replies.rcpt.items() if recipient != "good@dest.test"} == {5}
    assert replies.seconds < 2
    bed.wait(lambda: bed.sink.received("good@dest.test"), "the mail")
    refusals = [line for line in bed.started[0].lines("refused")]
    assert sorted(line["lead"] for line in refusals) == sorted(suppressed)


SPELLINGS = {
    "plain": ("a@d.test", ["a@d.test", "A@D.Test", '"a"@d.test', "a@d.test.", "a%d.test", "d.test!a", "@relay.test:a@d.test"]),
    "unicode": (
        "ü@xn--bcher-kva.example",
        ["ü@bücher.example", "ü@xn--bcher-kva.example", "Ü@BÜCHER.example", "ü@bücher.example.", '"ü"@bücher.example'],
    ),
    "quoted": ("john doe@d.test", ['"john doe"@d.test', '"John\\ Doe"@d.test']),
}


@pytest.mark.parametrize("kind", SPELLINGS)
def test_spellings_of_one_mailbox(bed, kind):
    """Postfix asks about the address as the client wrote it; it must meet the same opt-out."""
    lead, spellings = SPELLINGS[kind]
    bed.start_policyd()
    assert bed.campaign(spellings, smtputf8=True).refused == []
    suppress(bed, lead)
    replies = bed.campaign(spellings, smtputf8=True)
    assert replies.refused == spellings
    assert bed.campaign([f"other@{lead.partition('@')[2]}"], smtputf8=True).refused == []


def test_bounce_of_a_unicode_lead(bed):
    """A real SMTPUTF8 bounce (RFC 6533) opts out the lead that either form of its address then meets."""
    bed.sink.rules.append((lambda local: local == "ü", "550 5.1.1 <{r}>: no such user"))
    bed.start_policyd()
    bed.start_feed()
    bed.campaign(["ü@bücher.example"], smtputf8=True)
    bed.wait(lambda: bed.redis.call("EXISTS", "lead:{ü@xn--bcher-kva.example}:optout"), "the opt-out")
    both = ["ü@bücher.example", "ü@xn--bcher-kva.example"]
    assert bed.campaign(both, smtputf8=True).refused == both


def test_postmaster_and_abuse_are_never_refused(bed):
    bed.start_policyd()
    always = ["postmaster@dest.test", "Abuse@dest.test"]
    suppress(bed, *(r.lower() for r in always))
    assert bed.campaign(always).refused == []


def test_observe_and_off(bed):
    """`observe` says in the log what it would have refused; `off` does not look."""
    policyd = bed.start_policyd(config=bed.configure(policy={"enforce": "observe"}))
    suppress(bed, "gone@dest.test")
    assert bed.campaign(["gone@dest.test"]).refused == []
    assert [line["lead"] for line in policyd.lines("observed")] == ["gone@dest.test"]

    # SIGHUP: another setting, without a restart.
    bed.configure(policy={"enforce": "on"})
    policyd.signal(signal.SIGHUP)
    bed.wait(lambda: bed.campaign(["gone@dest.test"]).refused, "enforcement")
    bed.configure(policy={"enforce": "off"})
    policyd.signal(signal.SIGHUP)
    bed.wait(lambda: not bed.campaign(["gone@dest.test"]).refused, "no enforcement")


def test_bad_reload_keeps_the_old_settings(bed):
    policyd = bed.start_policyd()
    suppress(bed, "gone@dest.test")
    assert bed.campaign(["gone@dest.test"]).refused
    with open(bed.config_path, "a", encoding="utf-8") as config:
        config.write("no_such_section: 1\n")
    policyd.signal(signal.SIGHUP)
    bed.wait(lambda: "no_such_section" in policyd.text(), "a word about the bad settings")
    assert policyd.running() and bed.campaign(["gone@dest.test"]).refused


def test_templates(bed):
    """The operator's words, the lead's numbers, always the marker."""
    bed.configure(policy={"reply": {"temporary": "450 4.2.2 {lead} rests until {until} ({cause}, {kind})",
                                    "permanent": "554 5.1.6 no"}})
    bed.start_policyd()
    end = (int(time.time()) // 86400 + 2) * 86400 - 43200  # tomorrow, at noon
    bed.redis.call("SET", "lead:{rest@dest.test}:optout", "kind=temporary cause=mailbox-full", "EXAT", end)
    suppress(bed, "gone@dest.test")
    replies = bed.campaign(["rest@dest.test", "gone@dest.test"]).rcpt
    day = time.strftime("%Y-%m-%d", time.gmtime(end))
    assert str(replies["rest@dest.test"]).endswith(
        f"rest@dest.test rests until {day} (mailbox-full, temporary) [leadgate-suppressed]")
    assert replies["rest@dest.test"].code == 450
    assert str(replies["gone@dest.test"]).endswith("no [leadgate-suppressed]") and replies["gone@dest.test"].code == 554


def test_our_own_refusal_come_back_never_strikes(bed):
    """A relay in front of ours returns a DSN with our own words in it."""
    from bed import make_dsn

    bed.start_feed()
    text = "<{r}>: Recipient address rejected: opted out: user-unknown [leadgate-suppressed]"
    now = int(time.time())
    bed.put_mail("1", make_dsn("lead@dest.test", "5.7.1", at=now, message_id="m1", text=text))
    bed.wait(lambda: not bed.new_mails(), "the mail to be read")
    assert not bed.redis.call("EXISTS", "lead:{lead@dest.test}:optout")
    assert bed.redis.call("HGET", "lead:{lead@dest.test}", "strikes") in (None, "0")
    assert "suppressed" in bed.started[0].text()


def test_session_survives_many_transactions(bed):
    """A whole session of refusals, message after message, on one connection."""
    bed.start_policyd()
    suppress(bed, "gone@dest.test")
    session = smtp.Session(bed.postfix.campaign_port)
    for number in range(30):
        assert session.command("MAIL FROM:<bounce@bounces.bed.test>").ok
        assert session.command("RCPT TO:<gone@dest.test>").code // 100 == 5
        assert session.command(f"RCPT TO:<good{number}@dest.test>").ok
        assert session.data(campaign_message()).ok
    session.close()
