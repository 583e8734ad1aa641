# SPDX-License-Identifier: BSD-2-Clause
"""Complaints of feedback loops, by each of the three ways in: they end as the recipient's will, in the stream that the
mail was of which came back with them."""

import time

import pytest

from bed import make_complaint, transaction

FEEDBACK = "bounce+fbl@bounces.bed.test"
LEAD = "lead:{ann@dest.test}"

STREAMS = [
    {"name": "transactional", "match": {"sender": ["billing@bed.test"]}, "causes": ["hard"]},
    {"name": "newsletter", "match": {"sender": ["news@bed.test"], "sasl_username": ["news"]}, "list_ids": ["news.bed.test"]},
    {"name": "offers", "match": {"sender": ["@offers.bed.test"]}},
    {"name": "rest"},
]

NEWS = {"List-Id": "Our news <NEWS.bed.test>", "From": "News <news@bed.test>"}

# What stands in the header of the mail that came back -> the stream
RETURNED = {
    "its List-Id": (NEWS, "newsletter"),
    "its sender": ({"Return-Path": "<bounce+c4@offers.bed.test>", "From": "hello@bed.test"}, "offers"),
    "its From": ({"From": "Offers <hello@offers.bed.test>"}, "offers"),
    "a sender that is not enough": ({"From": "news@bed.test"}, "*"),
    "nothing": ({}, "*"),
}


def refused(bed):
    """{stream: cause}"""
    found = bed.redis.client.hash(LEAD + ":refused")
    return {stream: value.split()[0].removeprefix("cause=") for stream, value in found.items()}


def complain(bed, header, sender="fbl@provider.test", **more):
    mail = make_complaint("ann@dest.test", at=int(time.time()), header=header, to=FEEDBACK, **more)
    assert transaction(bed.postfix.port, [FEEDBACK], sender=sender, message=mail).data.ok
    return mail


@pytest.mark.parametrize("returned", RETURNED)
def test_by_mailbox(bed, returned):
    header, stream = RETURNED[returned]
    bed.configure(streams=STREAMS)
    bed.start_feed()
    complain(bed, header)
    bed.wait(lambda: refused(bed), "the complaint")
    assert refused(bed) == {stream: "complaint"}
    assert bed.redis.client.hash(LEAD)["score"] == "-5"


@pytest.mark.parametrize("returned", RETURNED)
def test_by_pipe(piped, returned):
    header, stream = RETURNED[returned]
    piped.configure(streams=STREAMS)
    complain(piped, header)
    piped.wait(lambda: refused(piped), "the complaint")
    assert refused(piped) == {stream: "complaint"}


@pytest.mark.parametrize("returned", RETURNED)
def test_by_milter(bed, returned):
    """The provider has a sender: the milter looks at the recipients where it has been told of a feedback address."""
    header, stream = RETURNED[returned]
    bed.configure(streams=STREAMS, milter={"feedback_addresses": ["bounce@bounces.bed.test"], "bounce_addresses": []})
    bed.start_milter()
    complain(bed, header)
    assert refused(bed) == {stream: "complaint"}
    bed.wait(bed.new_mails, "the complaint in its mailbox: a person may want to see it")


def test_by_milter_without_a_sender(bed):
    """Those who report as mail servers do need no more than a bounce address."""
    bed.configure(streams=STREAMS)
    bed.start_milter()
    complain(bed, NEWS)
    assert refused(bed) == {}
    complain(bed, NEWS, sender="")
    assert refused(bed) == {"newsletter": "complaint"}


def test_by_two_ways_at_once(bed):
    """By the milter, and from the mailbox behind it: one complaint."""
    bed.configure(streams=STREAMS, milter={"feedback_addresses": [FEEDBACK]})
    bed.start_milter()
    feed = bed.start_feed()
    complain(bed, NEWS)
    bed.wait(lambda: feed.lines("event"), "the mailbox to be read")
    assert [line["effect"] for line in feed.lines("event")] == ["repeat"]
    assert refused(bed) == {"newsletter": "complaint"} and bed.redis.client.hash(LEAD)["score"] == "-5"


def test_waits_while_redis_is_away(bed):
    bed.configure(milter={"feedback_addresses": [FEEDBACK]})
    bed.start_milter()
    bed.redis.stop()
    mail = make_complaint("ann@dest.test", at=int(time.time()), header=NEWS, to=FEEDBACK)
    assert transaction(bed.postfix.port, [FEEDBACK], sender="fbl@provider.test", message=mail).data.code == 451
    bed.redis.start()
    bed.wait(lambda: transaction(bed.postfix.port, [FEEDBACK], sender="fbl@provider.test", message=mail).data.ok,
             "the milter to take it")
    assert refused(bed) == {"*": "complaint"}


def test_the_stream_stops_and_no_other(bed):
    """Through everything: she reports the newsletter as spam, gets no more of it, and gets her invoice."""
    bed.configure(streams=[{"name": "newsletter", "match": {"sender": ["news@bed.test"]}, "list_ids": ["news.bed.test"]},
                           {"name": "rest"}])
    bed.start_policyd()
    bed.start_feed()
    assert bed.campaign(["ann@dest.test"], sender="news@bed.test").refused == []
    complain(bed, NEWS)
    bed.wait(lambda: refused(bed), "the complaint")
    assert bed.campaign(["ann@dest.test"], sender="news@bed.test").refused == ["ann@dest.test"]
    assert bed.campaign(["ann@dest.test"], sender="billing@bed.test").refused == []
    # What she takes back is that complaint.
    bed.next_second()
    complain(bed, NEWS, kind="not-spam")
    bed.wait(lambda: not refused(bed), "the complaint to be taken back")
    assert bed.campaign(["ann@dest.test"], sender="news@bed.test").refused == []
