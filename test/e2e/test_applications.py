# SPDX-License-Identifier: BSD-2-Clause
"""What applications report on leadgate:events: every type, whatever is wrong with an entry, and every way in which a
reader can be stopped: nothing is lost, nothing counts twice."""

import os
import random
import re
import subprocess
import time

import pytest

from bed import Proxy
from bed.redis import Redis
from states import differences, state

EVENTS, REJECTED, GROUP = "leadgate:events", "leadgate:rejected", "leadgate"
LEAD = "lead:{ann@example.com}"


def report(bed, **fields):
    """XADD, as an application does it; at_ stands for the id."""
    words = [word for name, value in fields.items() for word in (name, value)]
    return bed.redis.call("XADD", EVENTS, "*", *words)


def work_off(bed):
    """One run over what is there, and how many of its entries were set aside."""
    feed = bed.program("leadgate-feed", "-c", bed.config_path, "--once").start()
    assert feed.wait(60) == 0
    assert backlog(bed) == 0 and pending(bed) == 0
    return int(re.findall(r" rejected=(\d+)", feed.text())[-1])


def backlog(bed):
    return bed.redis.call("XLEN", EVENTS)


def pending(bed):
    if not bed.redis.call("EXISTS", EVENTS):
        return 0
    return bed.redis.call("XPENDING", EVENTS, GROUP)[0]


def rejected(bed):
    """[{field: value}], oldest first."""
    return [dict(zip(fields[::2], fields[1::2])) for _, fields in bed.redis.call("XRANGE", REJECTED, "-", "+")]


@pytest.fixture
def apps(store):
    """Redis alone, and a feed that has nothing but applications to listen to."""
    store.configure(feed={"maildirs": []})
    return store


def test_click(apps):
    apps.redis.call("SET", LEAD + ":optout", "kind=permanent cause=user-unknown")
    report(apps, type="click", lead="Ann@Example.COM", campaign="autumn")
    assert work_off(apps) == 0
    assert not apps.redis.call("EXISTS", LEAD + ":optout")
    assert apps.redis.client.hash(LEAD)["score"] == "2"
