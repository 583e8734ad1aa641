# SPDX-License-Identifier: BSD-2-Clause
"""Mail on its way out through a real Postfix: what the world sees of its tokens, what of them a bounce brings back, what
is left alone, and what a signed mail costs. Tokens are read by test/bed/token.py, which is no part of Leadgate."""

import contextlib
import email
import os
import re
import shutil
import subprocess

from bed import BOUNCE_ADDRESS, transaction
from bed.process import Process, wait_until
from bed.smtp import campaign_message
from bed.tap import Tap
from bed.token import Key, split_path

DOMAIN = "bounces.bed.test"
ALL = ["header", "envelope-id", "return-path"]


def sign(bed, *channels, signing=None, **more):
    """Settings with a key and these channels; the milter and the policy server, started."""
    key = Key(os.path.join(bed.dir, "signing.key"), bed.user)
    bed.configure(signing={"keys": [key.path], "channels": list(channels), **(signing or {})}, **more)
    bed.start_policyd()
    return key, bed.start_milter()


def send(bed, *recipients, **more):
    """By SMTP, to a service with the milter."""
    replies = transaction(bed.postfix.port, recipients, **more)
    assert replies.refused == [] and replies.data.ok, replies


def taken(bed, recipient):
    bed.wait(lambda: bed.sink.received(recipient), f"the mail to {recipient}")
    return bed.sink.received(recipient)[-1]


def header(mail):
    return email.message_from_bytes(mail.content)


def tokens(key, mail):
    """Those that its header names."""
    return [key.open(token, DOMAIN) for token in header(mail).get_all("X-Leadgate-Token", [])]


def arguments(mail):
    """ENVID=x RET=HDRS -> {"ENVID": "x", "RET": "HDRS"}"""
    return dict(word.partition("=")[::2] for word in mail.arguments.split())


def expect_path(key, sender, lead):
    token, named = split_path(sender)
    assert named == lead and sender.endswith("@" + DOMAIN)  # SPF looks at the domain: it is the same
    assert key.is_good(token, DOMAIN, lead)
    assert len(sender.rpartition("@")[0]) <= 64


def test_return_path(bed):
    key, _ = sign(bed, "return-path")
    send(bed, "ann@dest.test")
    mail = taken(bed, "ann@dest.test")
    expect_path(key, mail.sender, "ann@dest.test")
    assert mail.arguments == "" and "X-Leadgate-Token" not in header(mail)
    send(bed, "Bob.Smith@Dest.Test", sender="bounce+c42@bounces.bed.test")
    mail = taken(bed, "Bob.Smith@Dest.Test")
    assert mail.sender.startswith("bounce+c42+")
    expect_path(key, mail.sender, "bob.smith@dest.test")


def test_envelope_id(bed):
    key, _ = sign(bed, "envelope-id")
    send(bed, "ann@dest.test")
    mail = taken(bed, "ann@dest.test")
    assert mail.sender == BOUNCE_ADDRESS
    assert key.open(arguments(mail)["ENVID"], DOMAIN) == "ann@dest.test"


def test_header(bed):
    """By the policy server: the milter is not told more than the sender."""
    key, _ = sign(bed, "header")
    send(bed, "ann@dest.test", "bob@dest.test")
    assert tokens(key, taken(bed, "ann@dest.test")) == ["ann@dest.test", "bob@dest.test"]


def test_all_channels_at_once(bed):
    """Each with a token of its own for the same lead; the header by the policy server, and only by it."""
    key, _ = sign(bed, *ALL)
    send(bed, "ann@dest.test")
    mail = taken(bed, "ann@dest.test")
    expect_path(key, mail.sender, "ann@dest.test")
    assert key.open(arguments(mail)["ENVID"], DOMAIN) == "ann@dest.test"
    assert tokens(key, mail) == ["ann@dest.test"]


def test_several_recipients(bed):
    """The sender stays; the envelope id vouches for the message; the header for each."""
    key, _ = sign(bed, *ALL, signing={"headers_most": 3})
    several = [f"lead{i}@dest.test" for i in range(5)]
    send(bed, *several, message=campaign_message(message_id="m1@bed.test"))
    mail = taken(bed, several[0])
    assert mail.sender == BOUNCE_ADDRESS
    assert key.is_good(arguments(mail)["ENVID"], DOMAIN, "m1@bed.test", kind="message")
    assert tokens(key, mail) == several[:3]


def test_without_a_message_id(bed):
    """Postfix writes one before it shows the mail to a milter, and that is what the token is about."""
    key, _ = sign(bed, "envelope-id")
    send(bed, "ann@dest.test", "bob@dest.test", message="From: news@bed.test\nSubject: x\n\nhello\n")
    mail = taken(bed, "ann@dest.test")
    assert key.is_good(arguments(mail)["ENVID"], DOMAIN, header(mail)["Message-Id"].strip("<>"), kind="message")


def test_sendmail(bed):
    """Nobody but the milter is asked: it signs by all three channels, for those who are left."""
    key, _ = sign(bed, *ALL)
    bed.redis.call("SET", "lead:{gone@dest.test}:optout", "kind=permanent cause=user-unknown")
    bed.postfix.sendmail(["ann@dest.test", "gone@dest.test"], campaign_message())
    mail = taken(bed, "ann@dest.test")
    expect_path(key, mail.sender, "ann@dest.test")
    assert key.open(arguments(mail)["ENVID"], DOMAIN) == "ann@dest.test"
    assert tokens(key, mail) == ["ann@dest.test"]
    bed.postfix.sendmail(["bob@dest.test", "cy@dest.test"], campaign_message())
    mail = taken(bed, "bob@dest.test")
    assert mail.sender == BOUNCE_ADDRESS and tokens(key, mail) == ["bob@dest.test", "cy@dest.test"]
    assert key.is_good(arguments(mail)["ENVID"], DOMAIN, header(mail)["Message-Id"].strip("<>"), kind="message")


def test_what_sendmail_was_told(bed):
    """-R stays; -V is hidden from milters, and gives way."""
    key, _ = sign(bed, "envelope-id")
    bed.postfix.sendmail(["ann@dest.test"], campaign_message(), options=["-R", "hdrs", "-V", "mine"])
    said = arguments(taken(bed, "ann@dest.test"))
    assert said["RET"] == "HDRS" and key.open(said["ENVID"], DOMAIN) == "ann@dest.test"


def test_chosen_service(bed):
    """A service without the policy server; and where it is asked all the same the tokens are not doubled."""
    key, milter = sign(bed, "header", milter={"filter_daemons": ["silent"]})
    with bed.postfix.setting(milter_macro_daemon_name="silent", smtpd_recipient_restrictions=""):
        send(bed, "ann@dest.test")
        assert tokens(key, taken(bed, "ann@dest.test")) == ["ann@dest.test"]
    with bed.postfix.setting(milter_macro_daemon_name="silent"):
        send(bed, "bob@dest.test")
        assert tokens(key, taken(bed, "bob@dest.test")) == ["bob@dest.test"]
    assert milter.lines("warning") == []


def test_addresses_that_fit_no_path(bed):
    """Too long, or odd: the sender stays as it is, and the other channels carry the token."""
    key, milter = sign(bed, "return-path", "envelope-id")
    for lead in ("someone.with.a.long.name@a.rather.long.name.dest.test", "o'hara@dest.test", "ümläut@dest.test"):
        send(bed, lead, smtputf8=True)
        mail = taken(bed, lead)
        assert mail.sender == BOUNCE_ADDRESS
        envid = arguments(mail)["ENVID"]
        if len(lead) > 48:  # there is no room for a token that names it
            assert key.is_good(envid, DOMAIN, header(mail)["Message-Id"].strip("<>"), kind="message")
        else:
            assert key.open(envid, DOMAIN) == lead
    assert milter.lines() == []
    bed.wait(lambda: bed.redis.call("HGET", "leadgate:counters", "signing.unsigned.return-path") == "3", "the count")
    assert bed.redis.call("HGET", "leadgate:counters", "signing.signed.envelope-id") == "3"


def test_domains_in_other_scripts(bed):
    """The path names the domain in A-labels, whichever way the mail is addressed."""
    key, _ = sign(bed, "return-path")
    send(bed, "ann@bücher.test", smtputf8=True)
    mail = taken(bed, "ann@bücher.test")
    expect_path(key, mail.sender, "ann@xn--bcher-kva.test")
    assert "SMTPUTF8" in mail.arguments


def test_what_the_client_said_stays(bed):
    """RET, BODY, NOTIFY and ORCPT are the client's, and so is an ENVID: Postfix's CHGFROM touches what it is told to."""
    key, _ = sign(bed, "return-path", "envelope-id")
    send(bed, "ann@dest.test", arguments=" RET=HDRS BODY=8BITMIME SIZE=500")
    mail = taken(bed, "ann@dest.test")
    said = arguments(mail)
    assert key.open(said.pop("ENVID"), DOMAIN) == "ann@dest.test"
    assert said == {"RET": "HDRS", "BODY": "8BITMIME"}
    expect_path(key, mail.sender, "ann@dest.test")
    send(bed, "bob@dest.test", arguments=" RET=FULL ENVID=order+2B7")
    mail = taken(bed, "bob@dest.test")
    assert arguments(mail) == {"RET": "FULL", "ENVID": "order+2B7"}
    expect_path(key, mail.sender, "bob@dest.test")


def test_verp_by_postfix(bed):
    """XVERP: Postfix itself writes a path for each recipient, and needs the sender as it was."""
    key, _ = sign(bed, "return-path", "envelope-id")
    with bed.postfix.setting(smtpd_authorized_verp_clients="127.0.0.1"):
        send(bed, "ann@dest.test", arguments=" XVERP")
    mail = taken(bed, "ann@dest.test")
    assert mail.sender == "bounce+ann=dest.test@bounces.bed.test"
    assert key.open(arguments(mail)["ENVID"], DOMAIN) == "ann@dest.test"


def test_a_real_bounce_brings_them_back(bed):
    """Refused by the world, returned by this Postfix: to the path, with the envelope id and the header."""
    key, _ = sign(bed, *ALL)
    send(bed, "dead@dest.test")
    (name,) = bed.wait(bed.new_mails, "the bounce")
    with open(os.path.join(bed.maildir, "new", name), "rb") as file:
        bounce = email.message_from_binary_file(file)
    expect_path(key, bounce["Delivered-To"], "dead@dest.test")
    report = bounce.get_payload(1).get_payload(0)
    assert key.open(report["Original-Envelope-Id"], DOMAIN) == "dead@dest.test"
    returned = bounce.get_payload(2).get_payload(0)
    assert [key.open(token, DOMAIN) for token in returned.get_all("X-Leadgate-Token")] == ["dead@dest.test"]
    assert bed.redis.call("EXISTS", "lead:{dead@dest.test}:optout")


@contextlib.contextmanager
def tapped(bed, may=None):
    tap = Tap(os.path.join(bed.dir, "queue", "leadgate", "tap"), bed.milter_socket, may)
    try:
        with bed.postfix.setting(smtpd_milters="unix:leadgate/tap"):
            yield tap
    finally:
        tap.close()


def test_how_far_a_mail_is_seen(bed):
    """What need not be touched is let go at MAIL FROM; what several get, when that is known; of the rest no more than the
    header and one piece of the body is looked at."""
    sign(bed, "return-path", signing={"networks": ["127.0.0.1"]})
    large = campaign_message() + "x" * 70 + "\n" + ("y" * 70 + "\n") * 5000
    rows = [
        (["ann@dest.test"], {"message": large}, ["MAIL", "RCPT", "DATA", "header", "end of header", "body", "end"]),
        (["ann@dest.test", "bob@dest.test"], {}, ["MAIL", "RCPT", "RCPT", "DATA"]),
        (["ann@dest.test"], {"sender": "app@bed.test"}, ["MAIL"]),
        (["ann@dest.test"], {"sender": "bounce+" + "b" * 23 + "=ann=dest.test@bounces.bed.test"}, ["MAIL"]),
    ]
    with tapped(bed) as tap:
        for recipients, more, steps in rows:
            tap.clear()
            send(bed, *recipients, **more)
            assert tap.steps == steps, (recipients, more)
            assert tap.replies.count("s") == ("body" in steps)  # SMFIR_SKIP: it is not told the rest


def test_strangers_are_not_signed(bed):
    """Who uses our sender without being one of us gets no token, by any channel."""
    key, _ = sign(bed, *ALL, signing={"networks": ["192.0.2.0/24"]})
    send(bed, "ann@dest.test")
    mail = taken(bed, "ann@dest.test")
    assert mail.sender == BOUNCE_ADDRESS and mail.arguments == "" and tokens(key, mail) == []


def test_streams_choose_their_channels(bed):
    key, _ = sign(bed, "return-path", streams=[
        {"name": "plain", "match": {"sender": ["bounce+plain@bounces.bed.test"]}, "signing": ["none"]},
        {"name": "id", "match": {"sender": ["bounce+id@bounces.bed.test"]}, "signing": ["envelope-id"]},
        {"name": "rest"}])
    for extension, path, envid in (("plain", False, False), ("id", False, True), ("c1", True, False)):
        send(bed, f"{extension}@dest.test", sender=f"bounce+{extension}@bounces.bed.test")
        mail = taken(bed, f"{extension}@dest.test")
        assert ("=dest.test@" in mail.sender, "ENVID" in arguments(mail)) == (path, envid), extension


def test_a_poorer_mta(bed):
    """One that lets a milter change recipients only: said once, and mail flows as it is."""
    key, milter = sign(bed, "return-path", "envelope-id")
    with tapped(bed, may=0x08) as tap:
        for _ in range(2):
            send(bed, "ann@dest.test")
        assert tap.steps == ["MAIL", "MAIL"]
    assert taken(bed, "ann@dest.test").sender == BOUNCE_ADDRESS
    assert milter.text().count("does not let a milter change the envelope sender") == 1


def test_without_the_milter(bed):
    """It is away: mail flows unsigned."""
    _, milter = sign(bed, "return-path")
    milter.stop()
    send(bed, "ann@dest.test")
    assert taken(bed, "ann@dest.test").sender == BOUNCE_ADDRESS


# --- List-Unsubscribe ---

NEWS = [{"name": "news", "unsubscribe": "leave@bounces.bed.test"}]


def test_list_unsubscribe(bed):
    key, _ = sign(bed, "header", streams=NEWS)
    send(bed, "ann@dest.test")
    (field,) = header(taken(bed, "ann@dest.test")).get_all("List-Unsubscribe")
    path = re.fullmatch(r"<mailto:(leave\+.*)\?subject=unsubscribe>", field)[1]
    token, lead = split_path(path)
    assert lead == "ann@dest.test" and key.is_good(token, DOMAIN, lead, kind="unsubscribe", stream="news")

    theirs = "<https://bed.test/u/7>,\n <mailto:bye@bed.test>"
    send(bed, "bob@dest.test", message=f"From: n@bed.test\nList-Unsubscribe: {theirs}\nSubject: x\n\nhello\n")
    (field,) = header(taken(bed, "bob@dest.test")).get_all("List-Unsubscribe")
    assert re.fullmatch(r"<https://bed.test/u/7>,\s+<mailto:bye@bed.test>,\s+<mailto:leave\+[a-z2-7]{23}=bob=dest.test@"
                        r"bounces.bed.test\?subject=unsubscribe>", field)

    send(bed, "cy@dest.test", "di@dest.test")
    assert header(taken(bed, "cy@dest.test"))["List-Unsubscribe"] is None
    bed.postfix.sendmail(["eve@dest.test"], campaign_message())
    assert "=eve=dest.test@" in header(taken(bed, "eve@dest.test"))["List-Unsubscribe"]


# --- OpenDKIM behind us ---

OPENDKIM = """
Syslog no
Background no
Mode s
Canonicalization relaxed/simple
Domain bed.test
Selector s1
KeyFile {dir}/s1.private
Socket local:{socket}
UMask 000
InternalHosts 127.0.0.1
RequireSafeKeys no
OversignHeaders From,List-Unsubscribe
"""


@contextlib.contextmanager
def opendkim(bed):
    folder = bed.folder("dkim", 0o755)
    subprocess.run(["opendkim-genkey", "-b", "1024", "-d", "bed.test", "-s", "s1", "-D", folder], check=True)
    socket = os.path.join(bed.dir, "queue", "leadgate", "dkim")
    config = os.path.join(folder, "opendkim.conf")
    with open(config, "w", encoding="ascii") as file:
        file.write(OPENDKIM.format(dir=folder, socket=socket))
    with open(os.path.join(folder, "public"), "w", encoding="ascii") as file:
        with open(os.path.join(folder, "s1.txt"), encoding="ascii") as record:
            file.write("s1._domainkey.bed.test " + "".join(re.findall(r'"([^"]*)"', record.read())) + "\n")
    process = Process("opendkim", ["opendkim", "-f", "-x", config], bed.log_path("opendkim.log"))
    process.start()
    try:
        wait_until(lambda: os.path.exists(socket), 10, "opendkim to listen", process.recent)
        yield folder
    finally:
        process.stop()
        shutil.rmtree(folder)


def verify(folder, mail):
    """What OpenDKIM, on the other side, says of the mail as it came."""
    path, config = os.path.join(folder, "mail"), os.path.join(folder, "verify.conf")
    with open(path, "wb") as file:
        file.write(mail.content)
    with open(config, "w", encoding="ascii") as file:
        file.write(f"Syslog no\nMode v\nTestPublicKeys {folder}/public\nAlwaysAddARHeader yes\nAuthservID world.test\n")
    done = subprocess.run(["opendkim", "-x", config, "-t", path, "-v", "-v"], capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_opendkim_behind_us_still_verifies(bed):
    """Signed after us, over all that we add: the other side finds it good. The other way round nothing breaks either, but
    the way out of the stream is not offered."""
    key, _ = sign(bed, *ALL, streams=NEWS)
    theirs = "From: News <news@bed.test>\nList-Unsubscribe: <https://bed.test/u/7>\nSubject: x\n\nhello\n"
    with opendkim(bed) as folder:
        with bed.postfix.setting(smtpd_milters="$leadgate_milter, unix:leadgate/dkim"):
            send(bed, "ann@dest.test", message=theirs)
            mail = taken(bed, "ann@dest.test")
            expect_path(key, mail.sender, "ann@dest.test")
            assert tokens(key, mail) == ["ann@dest.test"] and "=ann=dest.test@" in header(mail)["List-Unsubscribe"]
            assert "list-unsubscribe" in header(mail)["DKIM-Signature"].lower()
            assert "dkim=pass" in verify(folder, mail)
            mail.content = mail.content.replace(b"leave+", b"leave-")
            assert "dkim=pass" not in verify(folder, mail)
        with bed.postfix.setting(smtpd_milters="unix:leadgate/dkim, $leadgate_milter"):
            send(bed, "bob@dest.test", message=theirs)
            mail = taken(bed, "bob@dest.test")
            # Our milter sees that it is signed, and leaves the header alone; the return path is none of DKIM's.
            expect_path(key, mail.sender, "bob@dest.test")
            assert header(mail)["List-Unsubscribe"] == "<https://bed.test/u/7>"
            assert "dkim=pass" in verify(folder, mail)


# --- duplicates ---

ONCE = [{"name": "invoices", "match": {"sender": ["billing@bed.test"]}}, {"name": "news", "duplicates": "1d"}]


def test_a_campaign_comes_once(bed):
    bed.configure(duplicates={"header": "X-Campaign"}, streams=ONCE)
    bed.start_policyd()
    milter = bed.start_milter()
    spring = "From: n@bed.test\nX-Campaign: spring\nSubject: x\n\nhello\n"
    summer = spring.replace("spring", "summer")
    send(bed, "ann@dest.test", message=spring)
    send(bed, "ann@dest.test", "bob@dest.test", message=spring)
    taken(bed, "bob@dest.test")
    send(bed, "ann@dest.test", message=spring)  # nobody is left: thrown away
    bed.postfix.sendmail(["bob@dest.test"], spring)
    send(bed, "ann@dest.test", message=summer)
    send(bed, "ann@dest.test", message=spring, sender="billing@bed.test")
    send(bed, "ann@dest.test", message=spring, sender="billing@bed.test")
    bed.wait(lambda: len(bed.sink.received("ann@dest.test")) == 4, "two campaigns and two invoices")
    bed.wait(lambda: len(milter.lines("duplicate")) == 3, "three duplicates")
    bed.wait(lambda: not bed.postfix.queued(), "the queue to be empty")
    assert len(bed.sink.received("bob@dest.test")) == 1
    assert [(line["lead"], line["campaign"]) for line in milter.lines("duplicate")] == [
        ("ann@dest.test", "spring"), ("ann@dest.test", "spring"), ("bob@dest.test", "spring")]
    (key,) = bed.redis.client.keys("lead:{bob@dest.test}:*")
    assert re.fullmatch(r"lead:\{bob@dest\.test\}:sent:[0-9a-f]{16}", key)
    assert 86000 < bed.redis.call("TTL", key) <= 86400
    bed.wait(lambda: bed.redis.call("HGET", "leadgate:counters", "duplicates.removed") == "3", "the count")


def test_duplicates_while_redis_is_away(bed):
    bed.configure(streams=ONCE)
    bed.start_policyd()
    bed.start_milter()
    mail = campaign_message(message_id="c1@bed.test")
    send(bed, "ann@dest.test", message=mail)
    bed.redis.stop()
    send(bed, "ann@dest.test", message=mail)
    bed.wait(lambda: len(bed.sink.received("ann@dest.test")) == 2, "both")
