# SPDX-License-Identifier: BSD-2-Clause
"""Streams on a real Postfix: what stands against a recipient counts where the settings say, and nowhere else."""

import os
import ssl
import subprocess

import pytest

from bed.smtp import Session, campaign_message

NEWS, BILLING, OTHER = "news@bounces.bed.test", "billing@bed.test", "someone@bed.test"
COMPLAINED, DEAD, FULL, GOOD = "complained@dest.test", "gone@dest.test", "over@dest.test", "good@dest.test"
# None of them is refused by the sink.
EVERYONE = [COMPLAINED, DEAD, FULL, GOOD]

STREAMS = [
    {"name": "transactional", "match": {"sender": [BILLING]}, "causes": ["hard"]},
    {"name": "newsletter", "match": {"sender": ["@bounces.bed.test"]}},
    {"name": "rest"},
]


def suppress(bed):
    call = bed.redis.call
    call("HSET", f"lead:{{{COMPLAINED}}}:refused", "newsletter", "cause=complaint since=2026-11-22T09:53:05Z")
    call("SET", f"lead:{{{DEAD}}}:optout", "kind=permanent cause=user-unknown")
    call("SET", f"lead:{{{FULL}}}:optout", "kind=temporary cause=mailbox-full", "EX", 600)


def start(bed, streams, **more):
    bed.configure(streams=streams, **more)
    suppress(bed)
    return bed.start_policyd()


def test_transactional_mail_passes(bed):
    """Mail to a lead that complained about the newsletter: her invoice goes out, the newsletter does not."""
    policyd = start(bed, STREAMS)
    assert bed.campaign(EVERYONE, sender=NEWS).refused == [COMPLAINED, DEAD, FULL]
    assert bed.campaign(EVERYONE, sender=BILLING).refused == [DEAD]
    assert bed.campaign(EVERYONE, sender=OTHER).refused == [DEAD, FULL]
    bed.wait(lambda: len(bed.sink.received(COMPLAINED)) == 2, "the invoice and the other mail")
    lines = policyd.lines("refused")
    assert [line["stream"] for line in lines] == ["newsletter"] * 3 + ["transactional"] + ["rest"] * 2
    assert [line["cause"] for line in lines[:2]] == ["complaint", "user-unknown"]

    # Said of no stream in particular it counts wherever complaints do.
    bed.redis.call("HSET", f"lead:{{{COMPLAINED}}}:refused", "*", "cause=complaint")
    assert bed.campaign([COMPLAINED], sender=OTHER).refused == [COMPLAINED]
    assert bed.campaign([COMPLAINED], sender=BILLING).refused == []


def test_refusals_of_another_stream(bed):
    streams = [STREAMS[0], STREAMS[1], {"name": "rest", "refusals_of": ["newsletter"]}]
    start(bed, streams)
    assert bed.campaign([COMPLAINED, GOOD], sender=OTHER).refused == [COMPLAINED]
    assert bed.campaign([COMPLAINED, GOOD], sender=BILLING).refused == []


def test_enforce_and_reply(bed):
    """Each stream is switched and worded for itself; SIGHUP changes it."""
    streams = [
        {"name": "newsletter", "match": {"sender": [NEWS]}, "enforce": "observe"},
        {"name": "billing", "match": {"sender": [BILLING]}, "enforce": "off"},
        {"name": "rest", "reply": {"temporary": "450 4.2.2 {stream}: {cause}", "permanent": "550 5.1.1 {stream}: {cause}"}},
    ]
    policyd = start(bed, streams)
    assert bed.campaign(EVERYONE, sender=NEWS).refused == []
    assert bed.campaign(EVERYONE, sender=BILLING).refused == []
    replies = bed.campaign(EVERYONE, sender=OTHER)
    assert replies.refused == [DEAD, FULL]
    assert replies.rcpt[DEAD].code == 550 and "rest: user-unknown" in replies.rcpt[DEAD].text
    assert replies.rcpt[FULL].code == 450 and "rest: mailbox-full" in replies.rcpt[FULL].text
    observed = [(line["lead"], line["stream"]) for line in policyd.lines("observed")]
    assert observed == [(lead, "newsletter") for lead in (COMPLAINED, DEAD, FULL)]

    bed.configure(streams=[{**streams[0], "enforce": "on"}, *streams[1:]])
    policyd.signal(1)
    bed.wait(lambda: "settings loaded again" in policyd.text(), "the reload")
    assert bed.campaign(EVERYONE, sender=NEWS).refused == [COMPLAINED, DEAD, FULL]


def test_a_stream_that_is_gone(bed):
    """What was said to a stream that the settings no longer know counts for each that enforces complaints."""
    start(bed, [{"name": "transactional", "match": {"sender": [BILLING]}, "causes": ["hard"]}, {"name": "renamed"}])
    assert bed.campaign(EVERYONE, sender=NEWS).refused == [COMPLAINED, DEAD, FULL]
    assert bed.campaign(EVERYONE, sender=BILLING).refused == [DEAD]


def start_tls(session, certificate):
    assert session.command("STARTTLS").ok
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.load_cert_chain(certificate)
    session.stream.close()
    session.socket = context.wrap_socket(session.socket)
    session.stream = session.socket.makefile("rb")
    assert session.command("EHLO client.test").ok


def ask(port, xclient="", sender=OTHER, certificate=None):
    """Whether Postfix lets DEAD pass, said by a client that XCLIENT describes, or one with a certificate."""
    session = Session(port)
    try:
        if certificate:
            start_tls(session, certificate)
        if xclient:
            assert session.command(f"XCLIENT {xclient}").ok
            assert session.command("EHLO client.test").ok
        assert session.command(f"MAIL FROM:<{sender}>").ok
        return session.command(f"RCPT TO:<{DEAD}>").ok
    finally:
        session.close()


# In each case the stream enforces nothing, so its mail passes.
MATCHES = {
    "sender": ({"sender": ["billing@bed.test"]}, {"sender": "Billing+c1@bed.test."}, {"sender": "other@bed.test"}),
    "sender domain": ({"sender": ["bed.test"]}, {"sender": "x@bed.test"}, {"sender": "x@other.test"}),
    "null sender": ({"sender": ["<>"]}, {"sender": ""}, {"sender": "x@bed.test"}),
    "login": ({"sasl_username": ["shop"]}, {"xclient": "LOGIN=shop"}, {"xclient": "LOGIN=erp"}),
    "client": ({"client_address": ["127.0.1.0/24"]}, {"xclient": "ADDR=127.0.1.9"}, {"xclient": "ADDR=127.0.2.9"}),
    "port": ({"server_port": [587]}, {"xclient": "DESTPORT=587"}, {"xclient": "DESTPORT=5870"}),
    "all of several": ({"sender": ["bed.test"], "sasl_username": ["shop"], "client_address": ["127.0.0.0/8"]},
                       {"sender": "x@bed.test", "xclient": "LOGIN=shop ADDR=127.0.0.7"},
                       {"sender": "x@bed.test", "xclient": "LOGIN=erp ADDR=127.0.0.7"}),
}


@pytest.fixture(scope="module")
def trusting(maildir_bed):
    """Postfix believes what a client says about itself (XCLIENT)."""
    with maildir_bed.postfix.setting(smtpd_authorized_xclient_hosts="127.0.0.0/8"):
        yield


@pytest.mark.parametrize("match, one, other", MATCHES.values(), ids=MATCHES.keys())
def test_matches(trusting, bed, match, one, other):
    start(bed, [{"name": "it", "match": match, "causes": ["none"]}, {"name": "rest"}])
    assert ask(bed.postfix.port, **one)
    assert not ask(bed.postfix.port, **other)


def test_policy_context(bed):
    start(bed, [{"name": "it", "match": {"policy_context": ["invoices"]}, "causes": ["none"]}, {"name": "rest"}])
    assert not ask(bed.postfix.port)
    service = "check_policy_service { unix:leadgate/policy, policy_context=invoices, timeout=2s, default_action=DUNNO }"
    with bed.postfix.setting(leadgate_policy=service):
        assert ask(bed.postfix.port)


def test_certificate(bed):
    """By the fingerprint of the client's certificate, which nobody needs to have signed."""
    pem = os.path.join(bed.folder("certificate", 0o755), "client.pem")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-subj", "/CN=client.test", "-keyout", pem, "-out", f"{pem}.crt"], check=True, capture_output=True)
    with open(pem, "a", encoding="utf-8") as both, open(f"{pem}.crt", encoding="utf-8") as certificate:
        both.write(certificate.read())
    shown = subprocess.run(["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", pem], check=True, text=True,
                           capture_output=True).stdout
    start(bed, [{"name": "it", "match": {"ccert_fingerprint": [shown.strip().split("=")[1].lower()]}, "causes": ["none"]},
                {"name": "rest"}])
    with bed.postfix.setting(smtpd_tls_security_level="may", smtpd_tls_chain_files=pem, smtpd_tls_ask_ccert="yes",
                             smtpd_tls_fingerprint_digest="sha256"):
        assert ask(bed.postfix.port, certificate=pem)
        assert not ask(bed.postfix.port)


def test_sendmail(bed):
    """What the policy server is never asked about goes by the same streams."""
    bed.configure(streams=STREAMS)
    milter = bed.start_milter()
    suppress(bed)
    bed.postfix.sendmail(EVERYONE, campaign_message(), sender=BILLING)
    bed.wait(lambda: bed.sink.received(COMPLAINED), "the invoice")
    assert sorted(bed.sink.mails[0].recipients) == sorted([COMPLAINED, FULL, GOOD])
    bed.postfix.sendmail(EVERYONE, campaign_message(), sender=NEWS)
    bed.wait(lambda: len(bed.sink.mails) == 2, "the newsletter")
    assert bed.sink.mails[1].recipients == [GOOD]
    removed = [(line["stream"], line["lead"]) for line in milter.lines("removed")]
    assert removed == [("transactional", DEAD)] + [("newsletter", lead) for lead in (COMPLAINED, DEAD, FULL)]


def test_filtered_service(trusting, bed):
    """There the milter knows client, login, and, where Postfix is told to say it, the port."""
    streams = [
        {"name": "login", "match": {"sasl_username": ["shop"]}, "causes": ["none"]},
        {"name": "client", "match": {"client_address": ["127.0.1.0/24"]}, "causes": ["soft"]},
        {"name": "port", "match": {"server_port": [587]}, "causes": ["will"], "refusals_of": ["newsletter"]},
        {"name": "newsletter"},
    ]
    wanted = {  # what XCLIENT says -> who gets the mail
        "LOGIN=shop": EVERYONE,
        "LOGIN=erp ADDR=127.0.1.9": [COMPLAINED, DEAD, GOOD],
        "LOGIN=erp ADDR=127.0.2.9 DESTPORT=587": [DEAD, FULL, GOOD],
        "LOGIN=erp ADDR=127.0.2.9 DESTPORT=25": [GOOD],
    }
    bed.configure(streams=streams, milter={"filter_daemons": ["silent"]})
    bed.start_milter()
    suppress(bed)
    with bed.postfix.setting(milter_macro_daemon_name="silent", smtpd_recipient_restrictions="",
                             milter_connect_macros="j {daemon_name} {daemon_addr} {daemon_port} v _"):
        for number, (xclient, recipients) in enumerate(wanted.items(), 1):
            session = Session(bed.postfix.port)
            assert session.command(f"XCLIENT {xclient}").ok and session.command("EHLO client.test").ok
            assert session.command(f"MAIL FROM:<{OTHER}>").ok
            assert all(session.command(f"RCPT TO:<{recipient}>").ok for recipient in EVERYONE)
            assert session.data(campaign_message()).ok
            session.close()
            bed.wait(lambda: len(bed.sink.mails) == number, f"the mail of {xclient}")
            assert sorted(bed.sink.mails[-1].recipients) == sorted(recipients), xclient
