# SPDX-License-Identifier: BSD-2-Clause
"""What must still count where bounces are checked (authenticity: require): real ones, by every channel and every way in,
however the other side has treated them; and what is no bounce, or our own word."""

import email
import os
import signal
import threading
import time

import pytest
from bed import BOUNCE_ADDRESS, make_dsn, transaction
from bed.dsn import date
from bed.token import Key
from test_forged import DOMAIN, delivered, feed_once, with_token

LEAD = "ann@dest.test"
OPTOUT = f"lead:{{{LEAD}}}:optout"


def set_up(bed, *channels, **more):
    key = Key(os.path.join(bed.dir, "signing.key"), bed.user)
    bed.configure(signing={"keys": [key.path], "channels": list(channels) or ["header"], "authenticity": "require",
                           "local_hosts": ["mail.bed.test"], **more.pop("signing", {})}, **more)
    return key


@pytest.fixture(params=["milter", "maildir", "pipe"])
def way(request):
    """A bed, and what reads bounces in it, started when the settings are made."""
    name = request.param
    bed = request.getfixturevalue("piped" if name == "pipe" else "bed")
    bed.way = name
    return bed


def start(bed):
    """The milter signs in any case; what comes in it reads only where that is tested."""
    bed.start_policyd()
    if bed.way == "milter":
        bed.start_milter()
    elif bed.way == "maildir":
        bed.start_feed()


def come_back(bed, mail, to=BOUNCE_ADDRESS, sender=""):
    """From the remote server, over the network."""
    replies = transaction(bed.postfix.port, [to], sender=sender, message=mail)
    assert replies.refused == [] and replies.data.ok


def wait_for(bed, key, what):
    bed.wait(lambda: bed.redis.call("EXISTS", key), what)


def is_settled(bed):
    """All mail is where it goes to, and has been read."""
    done = not bed.postfix.queued()
    return done and (bed.way != "maildir" or not bed.new_mails())


# -- what a real Postfix sends, and the world returns


def sent_to(bed, lead, *channels, **more):
    """A campaign mail on the wire, signed by the policy server or the milter; then nobody signs any more."""
    key = set_up(bed, *channels)
    policyd, milter = bed.start_policyd(), bed.start_milter()
    assert transaction(bed.postfix.port, [lead], **more).data.ok
    bed.wait(lambda: bed.sink.received(lead), "the mail")
    policyd.stop()
    milter.stop()
    return key, bed.sink.received(lead)[-1]


def header_of(mail):
    return mail.content.replace(b"\r\n", b"\n").split(b"\n\n")[0] + b"\n"


def returned_by(mail, recipient=LEAD, header=None, envelope_id="", status="5.1.1"):
    """The remote system's report, with as much of the mail as it cares to return."""
    report = make_dsn(recipient, status, at=int(time.time()), message_id="m1", to=mail.sender)
    head, _, rest = report.rpartition(b"\n\nReturn-Path: <")
    end = rest[rest.index(b"\n\n--"):]
    if envelope_id:
        head = head.replace(b"\nReporting-MTA:", b"\nOriginal-Envelope-Id: " + envelope_id.encode() + b"\nReporting-MTA:")
    if header is None:
        header = header_of(mail)
    return head + b"\n\n" + (header or b"Subject: News\n") + end


def envelope_id(mail):
    return dict(word.partition("=")[::2] for word in mail.arguments.split()).get("ENVID", "")


TREATMENTS = {
    # channels, recipient of the report, what is left of the returned header, is it a report at all
    "header": (["header"], LEAD, None, True),
    "header, forwarded": (["header"], "private@freemail.test", None, True),
    "envelope id": (["envelope-id"], LEAD, b"", True),
    "envelope id, forwarded": (["envelope-id"], "ann=dest.test@forwarder.test", b"", True),
    "path": (["return-path"], LEAD, b"", True),
    "path, rewritten": (["return-path"], "ann%dest.test@internal.exchange.test", b"", True),
    "path, no report": (["return-path"], None, None, False),
    "all": (["header", "envelope-id", "return-path"], "root@localhost.test", None, True),
}


@pytest.mark.parametrize("name", TREATMENTS)
def test_real_bounces_count(way, name):
    """It is about whom we mailed, for good, and said once."""
    channels, recipient, header, is_report = TREATMENTS[name]
    bed = way
    _, mail = sent_to(bed, LEAD, *channels)
    start(bed)
    if is_report:
        report = returned_by(mail, recipient, header, envelope_id(mail))
    else:
        report = (b"From: Mail <noreply@dest.test>\nSubject: your mail\nDate: " + date(time.time()).encode() +
                  b"\n\nWe could not hand it over:\n\n550 5.1.1 User unknown\n")
    come_back(bed, report, mail.sender)
    wait_for(bed, OPTOUT, "the opt-out")
    assert bed.redis.call("TTL", OPTOUT) == -1 and "cause=user-unknown" in bed.redis.call("GET", OPTOUT)
    bed.wait(lambda: is_settled(bed), "the bounce to be where it goes to")
    assert bed.redis.client.keys("lead:*:optout") == [OPTOUT]
    assert bed.redis.call("EXISTS", "leadgate:unverified") == 0
    assert bed.redis.call("HLEN", f"lead:{{{LEAD}}}:tokens") == 1


def test_our_own_postfix_is_believed(way):
    """What bounce(8) writes has no token where nothing is signed; it is true by its way."""
    bed = way
    set_up(bed, "return-path")
    start(bed)
    bed.campaign(["dead.ann@dest.test"])
    wait_for(bed, "lead:{dead.ann@dest.test}:optout", "the opt-out")
    assert bed.redis.call("TTL", "lead:{dead.ann@dest.test}:optout") == -1
    bed.wait(lambda: is_settled(bed), "the bounce to be where it goes to")
    assert bed.redis.call("EXISTS", "leadgate:unverified") == 0


def test_without_local_hosts_nothing_is_ours(bed):
    """In a mailbox it is the setting that says which Received fields are this Postfix's."""
    bed.way = "maildir"
    set_up(bed, "return-path", signing={"local_hosts": ["other.bed.test"]})
    start(bed)
    bed.campaign(["dead.ann@dest.test"])
    bed.wait(lambda: bed.redis.call("EXISTS", "leadgate:unverified"), "the bounce to be set aside")
    assert bed.redis.client.keys("lead:*") == []


def test_two_mails_two_bounces(way):
    """Each has a token of its own: a second mail that really comes back is a second strike."""
    bed = way
    key = set_up(bed)
    start(bed)
    for i, about in enumerate(("aa", "bb")):
        mail = with_token(make_dsn(LEAD, "5.2.2", at=int(time.time()), message_id=f"m{i}"), key.seal(DOMAIN, LEAD, about=about))
        come_back(bed, mail)
        come_back(bed, mail.replace(b"<m%d>" % i, b"<again%d>" % i))
        bed.wait(lambda: is_settled(bed), "the bounces to be read")
        if i == 0:
            bed.wait(lambda: bed.redis.call("HGET", f"lead:{{{LEAD}}}", "strikes") == "1", "the first strike")
            bed.next_second()
    wait_for(bed, OPTOUT, "the opt-out")
    assert bed.redis.call("TTL", OPTOUT) > 0


# -- what is no bounce


LETTERS = {
    "reply": ("ann@dest.test", "From: Ann <ann@dest.test>\nSubject: Re: News\n"),
    "reply that quotes": ("ann@dest.test", "From: Ann <ann@dest.test>\nSubject: Re: Undelivered Mail Returned to Sender\n"),
    "auto-reply": ("", "From: Ann <ann@dest.test>\nSubject: Re: News\nAuto-Submitted: auto-replied\n"),
    "auto-reply that does not say so": ("", "From: Ann <ann@dest.test>\nSubject: Out of office: News\n"),
}


@pytest.mark.parametrize("name", LETTERS)
def test_a_reply_is_no_bounce(way, name):
    """Also one to a bounce address that names its recipient, and has a refusal in it."""
    bed = way
    key = set_up(bed, milter={"after_bounce": "discard"})
    start(bed)
    sender, head = LETTERS[name]
    letter = head + f"Date: {date(time.time())}\n\nI do not get your mails any more:\n\n> 550 5.1.1 User unknown\n> mailbox full\n"
    come_back(bed, letter, key.path_of(BOUNCE_ADDRESS, LEAD), sender)
    bed.wait(lambda: is_settled(bed), "the letter to be where it goes to")
    assert bed.redis.client.keys("lead:*") == [] and bed.redis.call("EXISTS", "leadgate:unverified") == 0
    if bed.way == "milter":  # passed on, also where bounces are thrown away
        assert len(bed.new_mails()) == 1


def test_our_own_words(way):
    """A second hop returns our refusal: no strike, nothing changes, with a good token, too."""
    bed = way
    key = set_up(bed)
    start(bed)
    words = "550 5.7.1 <{r}>: Recipient address rejected: recipient suppressed: user-unknown [leadgate-suppressed]"
    mail = make_dsn(LEAD, "5.7.1", at=int(time.time()), message_id="m1", text=words)
    come_back(bed, with_token(mail, key.seal(DOMAIN, LEAD)))
    wait_for(bed, f"lead:{{{LEAD}}}", "the event")
    bed.wait(lambda: is_settled(bed), "the bounce to be read")
    lead = bed.redis.client.hash(f"lead:{{{LEAD}}}")
    assert lead.get("strikes", "0") == "0" and "score" not in lead
    assert bed.redis.client.keys("lead:*:optout") == []


# -- who leaves


STREAMS = [{"name": "news", "match": {"sender": [BOUNCE_ADDRESS]}, "unsubscribe": f"unsubscribe@{DOMAIN}"}, {"name": "rest"}]


def test_unsubscribe_by_mail(way):
    """Whoever sends it, without a further question; without a good token nothing happens."""
    bed = way
    key = set_up(bed, streams=STREAMS)
    start(bed)
    base, letter = f"unsubscribe@{DOMAIN}", f"From: Ann <ann@elsewhere.test>\nSubject: unsubscribe\nDate: {date(time.time())}\n\n"
    good = dict(kind="unsubscribe", stream="news")
    forged = key.path_of(base, "bob@dest.test", **good).replace("bob=", "ann=")
    for wrong in (base, forged, key.path_of(base, LEAD), key.path_of(base, LEAD, kind="unsubscribe", stream="other")):
        come_back(bed, letter, wrong, "ann@elsewhere.test")
    bed.wait(lambda: is_settled(bed), "the letters to be read")
    assert bed.redis.client.keys("lead:*") == [] and bed.redis.call("EXISTS", "leadgate:unverified") == 0
    come_back(bed, letter, key.path_of(base, LEAD, **good), "ann@elsewhere.test")
    wait_for(bed, f"lead:{{{LEAD}}}:refused", "the refusal")
    assert bed.redis.client.hash(f"lead:{{{LEAD}}}:refused")["news"].startswith("cause=unsubscribe ")
    assert bed.campaign([LEAD]).refused == [LEAD]
    assert transaction(bed.postfix.campaign_port, [LEAD], sender="invoice@bed.test").refused == []


def test_list_unsubscribe_as_it_is_sent(bed):
    """What the milter writes into the mail works."""
    bed.way = "milter"
    set_up(bed, streams=STREAMS)
    start(bed)
    transaction(bed.postfix.port, [LEAD])
    bed.wait(lambda: bed.sink.received(LEAD), "the mail")
    field = email.message_from_bytes(bed.sink.received(LEAD)[-1].content)["List-Unsubscribe"]
    come_back(bed, "From: ann@dest.test\nSubject: unsubscribe\n\n", field.partition("mailto:")[2].partition("?")[0].rstrip(">"), LEAD)
    wait_for(bed, f"lead:{{{LEAD}}}:refused", "the refusal")


# -- keys, and the door


def test_keys_rotate_under_load(bed):
    """A new key signs, the old one verifies: mail that left before, and bounces that come in meanwhile, all count."""
    old, new = Key(os.path.join(bed.dir, "old.key"), bed.user), Key(os.path.join(bed.dir, "new.key"), bed.user)
    bed.way = "milter"

    def use(*keys):
        bed.configure(signing={"keys": [key.path for key in keys], "authenticity": "require"})

    use(old)
    policyd, milter = bed.start_policyd(), bed.start_milter()
    leads, failed = [f"lead{i}@dest.test" for i in range(200)], []

    def return_all(part):
        for lead in leads[part::4]:
            mail = with_token(make_dsn(lead, "5.1.1", at=int(time.time()), message_id=f"m.{lead}"), old.seal(DOMAIN, lead))
            if not transaction(bed.postfix.port, [BOUNCE_ADDRESS], sender="", message=mail).data.ok:
                failed.append(lead)

    threads = [threading.Thread(target=return_all, args=(part,)) for part in range(4)]
    for thread in threads:
        thread.start()
    bed.wait(lambda: bed.redis.client.keys("lead:*:optout"), "the first bounces")
    use(new, old)
    for program in (policyd, milter):
        program.signal(signal.SIGHUP)
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert bed.redis.client.keys("lead:*:optout") == sorted(f"lead:{{{lead}}}:optout" for lead in leads)

    transaction(bed.postfix.port, ["good@dest.test"])
    bed.wait(lambda: bed.sink.received("good@dest.test"), "the mail")
    token = email.message_from_bytes(bed.sink.received("good@dest.test")[-1].content)["X-Leadgate-Token"]
    assert new.open(token, DOMAIN) == "good@dest.test" and old.open(token, DOMAIN) is None
    # The last token of the old key is over: it goes, and what it signed is forged.
    use(new)
    milter.signal(signal.SIGHUP)

    def is_refused():
        come_back(bed, with_token(make_dsn(LEAD, "5.1.1", at=int(time.time()), message_id="late"), old.seal(DOMAIN, LEAD, about="cc")))
        return bed.redis.call("EXISTS", "leadgate:unverified")

    bed.wait(is_refused, "the old key to be gone")
    for key in (old, new):
        for name in ("policyd", "milter"):
            with open(bed.log_path(f"leadgate-{name}.log"), encoding="utf-8") as log:
                assert open(key.path, encoding="ascii").read().split()[1] not in log.read()


def test_refused_at_the_door(bed):
    """refuse_unsigned: the null sender gets to a bounce address with a good token only; people always do."""
    key = set_up(bed, signing={"refuse_unsigned": True})
    bed.start_policyd()
    path, port = key.path_of(BOUNCE_ADDRESS, LEAD), bed.postfix.port
    over = key.path_of(BOUNCE_ADDRESS, LEAD, at=time.time() - 13 * 86400)
    replies = transaction(port, [BOUNCE_ADDRESS, path, over, path.replace("ann=", "bob="), "other@bounces.bed.test"], sender="")
    assert replies.accepted == [path]
    for refused in replies.refused[:3]:
        assert str(replies.rcpt[refused]).startswith("550 5.7.1"), refused
    assert transaction(port, [BOUNCE_ADDRESS], sender="ann@dest.test").refused == []


def test_what_virtual_writes(bed):
    """Above the Received field that this Postfix wrote; there, and only there, it is believed. What pipe(8) writes is what
    the bounces without a report are known by."""
    key = set_up(bed)
    bed.start_policyd()
    path = key.path_of(BOUNCE_ADDRESS, LEAD)
    come_back(bed, make_dsn(LEAD, at=int(time.time()), message_id="m1"), path)
    bed.wait(bed.new_mails, "the mail")
    with open(os.path.join(bed.maildir, "new", bed.new_mails()[0]), encoding="utf-8") as mail:
        lines = mail.read().splitlines()
    assert lines[:3] == ["Return-Path: <>", f"X-Original-To: {path}", f"Delivered-To: {path}"]
    assert lines[3].startswith("Received: from ")


def test_delivered_reports_are_read_once(bed):
    """By the milter on the way in, by the feed in the mailbox: it is the same bounce."""
    key = set_up(bed)
    bed.way = "milter"
    start(bed)
    bed.make_maildir(bed.maildir)
    token = key.seal(DOMAIN, LEAD)
    come_back(bed, with_token(make_dsn(LEAD, "5.2.2", at=int(time.time()), message_id="m1"), token))
    bed.wait(bed.new_mails, "the mail")
    assert feed_once(bed)["repeats"] == "1"
    assert bed.redis.call("HGET", f"lead:{{{LEAD}}}", "strikes") == "1"
    bed.put_mail("again", delivered(with_token(make_dsn(LEAD, "5.2.2", at=int(time.time()), message_id="m2"), token), BOUNCE_ADDRESS))
    assert feed_once(bed)["repeats"] == "1"
