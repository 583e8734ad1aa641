# SPDX-License-Identifier: BSD-2-Clause
"""leadgate unverified on a real Redis: what it lists, what accepting and dropping do. How entries get there is
test_forged's."""

import json
import time

import pytest

from test_cli import leadgate, log_of, printed


def iso(at):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def put(store, lead, cause="user-unknown", at=None, reason="none", **more):
    fields = {"reason": reason, "lead": lead, "type": "bounce", "cause": cause, "status": "5.1.1",
              "at": iso(at or time.time() - 60), "message": f"m.{lead}", "source": "milter", "evidence": "550 no \x1b such user", **more}
    return store.redis.call("XADD", "leadgate:unverified", "*", *(word for pair in fields.items() for word in pair))


def listed(store, *arguments):
    return [line.split("\t") for line in printed(store, "unverified", *arguments).splitlines()]


def ids(store):
    return [row[0] for row in listed(store)]


def test_list(store):
    assert printed(store, "unverified") == ""
    at = int(time.time()) - 100
    first = put(store, "ann@dest.test", at=at)
    second = put(store, "ben@dest.test", "mailbox-full", at=at, reason="forged")
    third = put(store, "ann@dest.test", "complaint", at=at, type="complaint", status="", evidence="")
    assert listed(store) == [
        [third, iso(at), "ann@dest.test", "complaint", "-", "none", "-"],
        [second, iso(at), "ben@dest.test", "mailbox-full", "5.1.1", "forged", "550 no ? such user"],
        [first, iso(at), "ann@dest.test", "user-unknown", "5.1.1", "none", "550 no ? such user"],
    ]
    assert [row[0] for row in listed(store, "--lead", "Ann@Dest.test")] == [third, first]
    assert [row[0] for row in listed(store, "--cause", "mailbox-full")] == [second]
    rows = [json.loads(line) for line in printed(store, "unverified", "--format", "json").splitlines()]
    assert rows[1] == {"id": second, "at": iso(at), "address": "ben@dest.test", "type": "bounce", "cause": "mailbox-full",
                       "status": "5.1.1", "proof": "forged", "source": "milter", "message": "m.ben@dest.test",
                       "evidence": "550 no \x1b such user"}
    lines = printed(store, "unverified", "--format", "csv").splitlines()
    assert lines[0].startswith("id,at,address,") and len(lines) == 4


def test_accept(store):
    """As true, at the time at which it happened; off the list; the operator's word in the lead's log."""
    ann, ben = put(store, "ann@dest.test"), put(store, "ben@dest.test", "mailbox-full")
    out = printed(store, "unverified", "--accept", ann, ben)
    assert out.splitlines() == [f"{ann}\tann@dest.test\topted out for good (user-unknown)", f"{ben}\tben@dest.test\tstrike"]
    assert store.redis.call("TTL", "lead:{ann@dest.test}:optout") == -1
    assert ids(store) == []
    (entry,) = log_of(store, "ann@dest.test")
    assert (entry["source"], entry["change"], entry["message"]) == ("operator", "optout", "m.ann@dest.test")
    # Killed before it was taken off the list: accepted again it changes nothing.
    again = put(store, "ann@dest.test", at=time.time() - 61)
    assert printed(store, "unverified", "--accept", again) == f"{again}\tann@dest.test\trepeat\n"
    assert len(log_of(store, "ann@dest.test")) == 1 and ids(store) == []


def test_accept_a_complaint(store):
    one = put(store, "ann@dest.test", "complaint", type="complaint", stream="news")
    printed(store, "unverified", "--accept", one)
    assert list(store.redis.client.hash("lead:{ann@dest.test}:refused")) == ["news"]


def test_accept_all(store):
    """The oldest first: the other way round the older one would be a repeat. Only such as are asked for."""
    now = time.time()
    for i in range(3):
        put(store, "ann@dest.test", "mailbox-full", at=now - 300 + i * 60, message=f"m{i}")
    other = put(store, "ben@dest.test")
    rows = [line.split("\t")[1:] for line in printed(store, "unverified", "--accept-all", "--lead", "ann@dest.test").splitlines()]
    assert rows[0] == ["ann@dest.test", "strike"] and rows[1][1].startswith("opted out until ") and rows[2][1] == "in-flight"
    assert ids(store) == [other]
    printed(store, "unverified", "--accept-all")
    assert ids(store) == [] and store.redis.call("EXISTS", "lead:{ben@dest.test}:optout")


def test_drop_and_standard_input(store):
    one, two, three = (put(store, f"{name}@dest.test") for name in ("ann", "ben", "cat"))
    assert printed(store, "unverified", "--drop", two) == f"{two}\tben@dest.test\tdropped\n"
    assert ids(store) == [three, one]
    # What the list prints can be given to it.
    printed(store, "unverified", "--accept", "-", stdin=printed(store, "unverified", "--lead", "ann@dest.test"))
    assert ids(store) == [three]
    assert store.redis.client.keys("lead:*:optout") == ["lead:{ann@dest.test}:optout"]


def test_what_is_no_entry(store):
    hand = store.redis.call("XADD", "leadgate:unverified", "*", "lead", "ann@dest.test", "type", "flush", "at", iso(time.time()))
    good = put(store, "ben@dest.test")
    status, out, err = leadgate(store, "unverified", "--accept", "1-1", "nonsense", hand, good)
    assert status == 1
    assert err.splitlines() == ["leadgate: 1-1: no such entry", "leadgate: nonsense: no such entry"]
    assert [line.split("\t")[2] for line in out.splitlines()] == ["is no event, left as it is", "opted out for good (user-unknown)"]
    assert ids(store) == [hand]
    status, out, err = leadgate(store, "unverified", "--accept-all")
    assert (status, err) == (1, "") and ids(store) == [hand]
    store.redis.call("SET", "leadgate:unverified", "odd")
    assert printed(store, "unverified") == ""


@pytest.mark.parametrize("arguments", [
    ("--accept",), ("--drop",), ("1-1",), ("--accept-all", "1-1"), ("--accept", "--drop", "1-1"), ("--cause", "no-such"),
    ("--lead", "broken@"), ("--format", "xml"),
])
def test_wrong_arguments(store, arguments):
    status, out, err = leadgate(store, "unverified", *arguments)
    assert status == 64 and out == "" and err.startswith(("leadgate: ", "usage: "))


def test_without_redis(store):
    store.redis.stop()
    status, out, err = leadgate(store, "unverified")
    assert status == 75 and out == "" and err.startswith("leadgate: ")
