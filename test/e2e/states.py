# SPDX-License-Identifier: BSD-2-Clause
"""What two runs left in Redis, compared: everything, but for the moments at which it was written, and what is counted, or
learned of a domain, behind the events: what a program that is killed has not written yet is lost, and of the counters a
mail that is applied again is counted again. What is counted of providers is compared by counts(). What a feed says of
itself, and adds up, is there when it has run for ten seconds, and compared by nobody."""

import random
import time

from bed import make_dsn

JOURNAL = "leadgate:journal"
COUNTERS = "leadgate:counters"
PROVIDERS = "leadgate:providers"
BOUNCED = "leadgate:bounced:"
OF_FEEDS = ("leadgate:leader", "leadgate:followed", "leadgate:shares")
STATUSES = ["5.1.1", "5.2.2", "4.2.2", "5.7.1"]


def bounces(count, leads, seed):
    """count DSNs for so many leads: the times of each lead grow, causes vary. A list of (name, lead, mail)."""
    chance = random.Random(seed)
    start = int(time.time()) - 3600
    made = []
    for i in range(count):
        lead = f"lead{i % leads}@dest.test"
        status = chance.choice(STATUSES)
        made.append((f"{start + i}.{i:05d}", lead, make_dsn(lead, status, at=start + i, message_id=f"m{i}@bed.test")))
    return made


def is_count(key):
    return key in (COUNTERS, PROVIDERS) or key.startswith("provider:{") or (key.startswith("domain:{") and key.endswith("}"))


def dump(redis):
    return {key: held for key, held in redis.client.dump().items() if not is_count(key) and key not in OF_FEEDS}


def counts(redis):
    """{key: what was counted, or learned} of all providers and domains."""
    found = {key: value for key, (_, value, _) in redis.client.dump().items() if is_count(key)}
    found.pop(COUNTERS, None)
    return found


def state(redis, moments=()):
    """{key: what it holds}, without the ids of stream entries; the fields in moments are left out of hashes. The journal
    and the list of bounces are kept at least once, in the order of the commits: they count as sets, the latter whatever
    hour it was."""
    found, bounced = {}, set()
    for key, (kind, value, _) in dump(redis).items():
        if key.startswith(BOUNCED):
            bounced |= {f"{lead} {bounce}" for _, fields in value for lead, bounce in zip(fields[::2], fields[1::2])}
            continue
        if kind == "hash":
            value = {name: text for name, text in value.items() if name not in moments}
        elif kind == "stream":
            value = [fields for _, fields in value]
            if key == JOURNAL:
                value = [list(fields) for fields in sorted({without(fields, "entry") for fields in value})]
        found[key] = (kind, value)
    found[BOUNCED] = ("set", sorted(bounced))
    return found


def without(fields, name):
    """A stream entry's fields and values, but for the one that names an id."""
    pairs = zip(fields[::2], fields[1::2])
    return tuple(word for pair in pairs if pair[0] != name for word in pair)


def differences(one, other):
    """[(key, what the one holds, what the other holds)], of hashes the fields that differ only."""
    found = []
    for key in sorted(one.keys() | other.keys()):
        (kind, a), (other_kind, b) = one.get(key, (None, None)), other.get(key, (None, None))
        if kind == other_kind == "hash":
            fields = sorted(f for f in a.keys() | b.keys() if a.get(f) != b.get(f))
            a, b = {f: a.get(f) for f in fields}, {f: b.get(f) for f in fields}
        if kind != other_kind or a != b:
            found.append((key, a, b))
    return found


def lifetimes(redis):
    """{key: time to live in seconds, -1 = no end}"""
    return {key: ttl // 1000 if ttl >= 0 else -1 for key, (_, _, ttl) in dump(redis).items() if not key.startswith(BOUNCED)}


def assert_same_lifetimes(one, other, tolerance):
    assert one.keys() == other.keys()
    for key in one:
        assert (one[key] < 0) == (other[key] < 0), key
        assert abs(one[key] - other[key]) <= tolerance, key
