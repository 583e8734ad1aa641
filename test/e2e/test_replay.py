# SPDX-License-Identifier: BSD-2-Clause
"""The same mail twice, by whatever way: nothing changes. Eight readers at once: no strike is lost."""

import os
import subprocess
import time

import pytest

from bed import make_dsn
from states import bounces, counts, lifetimes, state

# Bounces that never opt anybody out: only strikes are counted.
ENDLESS = {"causes": {"mailbox-full": {"strikes": 1000}}, "score": {"soft": 0}}


def write_mbox(bed, mails, name="bounces.mbox"):
    path = os.path.join(bed.dir, name)
    with open(path, "wb") as file:
        for mail in mails:
            file.write(b"From MAILER-DAEMON Thu Jan  1 00:00:00 2026\n" + mail + b"\n")
    os.chmod(path, 0o644)
    return path


def run_feed(bed, *arguments):
    assert bed.program("leadgate-feed", "-c", bed.config_path, *arguments).start().wait(60) == 0


def by_maildir(bed, mails):
    bed.make_maildir(bed.maildir)
    for number, mail in enumerate(mails):
        bed.put_mail(f"{number:05d}", mail)
    run_feed(bed, "--once")


def by_mbox(bed, mails):
    run_feed(bed, "--mbox", write_mbox(bed, mails))


def by_stdin(bed, mails):
    for mail in mails:
        feed = bed.program("leadgate-feed", "-c", bed.config_path, "--stdin")
        feed.start(stdin=subprocess.PIPE)
        feed.popen.stdin.write(mail)
        feed.popen.stdin.close()
        assert feed.wait(30) == 0


@pytest.mark.parametrize("apply", [by_maildir, by_mbox, by_stdin])
def test_twice_is_once(store, apply):
    mails = [mail for _, _, mail in bounces(40, 10, seed=4)]
    apply(store, mails)
    once = state(store.redis)
    alive, counted = lifetimes(store.redis), counts(store.redis)
    assert len([key for key in once if key.endswith("}")]) == 10 and any(key.endswith(":optout") for key in once)
    assert any(":day:" in key for key in counted) and "domain:{dest.test}" in counted
    apply(store, mails)
    assert state(store.redis) == once
    assert counts(store.redis) == counted
    assert all(ttl <= alive[key] for key, ttl in lifetimes(store.redis).items())


def test_three_ways_agree(store):
    """Maildir, mbox and standard input leave the same behind."""
    mails = [mail for _, _, mail in bounces(40, 10, seed=5)]
    found = []
    for apply in (by_maildir, by_mbox, by_stdin):
        store.redis.call("FLUSHALL")
        apply(store, mails)
        found.append(state(store.redis))
    assert found[0] == found[1] == found[2]


def test_what_is_no_bounce(store):
    """Put aside, unharmed."""
    store.make_maildir(store.maildir)
    letter = b"From: ann@dest.test\nTo: bounce@bounces.bed.test\nSubject: hello\n\nI moved.\n"
    store.put_mail("letter", letter)
    store.put_mail("bytes", b"\x00\xff\n\n\x00")
    store.put_mail("empty", b"")
    delayed = make_dsn("ann@dest.test", "4.2.2", at=int(time.time()), message_id="m", action="delayed")
    store.put_mail("delayed", delayed)
    run_feed(store, "--once")
    aside = os.path.join(store.maildir, ".Unrecognised", "new")
    names = os.listdir(aside)
    assert {"letter", "bytes", "empty"} <= set(names) and store.new_mails() == []
    with open(os.path.join(aside, "letter"), "rb") as file:
        assert file.read() == letter
    assert store.redis.client.keys() == []


def test_what_is_left_out_is_said(store):
    """One warning for each mail that was not read as a whole, by its name, and none for others."""
    store.configure(feed={"max_size": "128KiB"})
    store.make_maildir(store.maildir)
    mail = make_dsn("ann@dest.test", "5.1.1", at=int(time.time()), message_id="m1")
    group = b"Final-Recipient: rfc822; %d@dest.test\nAction: failed\nStatus: 5.1.1\n\n"
    store.put_mail("whole", mail)
    store.put_mail("long", mail + b"x" * 70 + b"\n" + (b"y" * 70 + b"\n") * 5000)
    head, end = mail.split(b"Final-Recipient:", 1)
    store.put_mail("crowd", head + b"".join(group % n for n in range(1100)) + b"Final-Recipient:" + end)
    feed = store.program("leadgate-feed", "-c", store.config_path, "--once").start()
    assert feed.wait(60) == 0
    said = {line["file"]: line["reason"] for line in feed.lines("warning") if line["text"] == "not all of a mail was read"}
    assert said == {"crowd": "more recipients than are read off one mail", "long": "as large as feed.max_size"}
    assert feed.text().count("not all of a mail was read") == 2
    assert len(store.redis.client.keys("lead:*:optout")) == 1001


def crowd(bed, *arguments):
    """Eight leadgate-feed at once; their event lines."""
    started = [bed.program("leadgate-feed", "-c", bed.config_path, *words, log=f"leadgate-feed.{n}.log")
               for n, words in enumerate(arguments)]
    for process in started:
        process.start()
    for process in started:
        assert process.wait(120) == 0
    return [line for process in started for line in process.lines("event")]


def strikes(bed, leads):
    return [int(n) for n in bed.redis.client.pipeline(("HGET", f"lead:{{{lead}}}", "strikes") for lead in leads)]


def many_bounces(count, leads):
    start = int(time.time()) - 2 * count
    return [make_dsn(leads[i % len(leads)], "5.2.2", at=start + i, message_id=f"m{i}") for i in range(count)]


def test_eight_readers_of_one_maildir(store):
    """4,000 bounces to 100 leads, oldest first: 40 strikes each, whoever reads what."""
    leads = [f"lead{i}@dest.test" for i in range(100)]
    store.configure(**ENDLESS)
    store.make_maildir(store.maildir)
    for number, mail in enumerate(many_bounces(4000, leads)):
        store.put_mail(f"{number:05d}", mail)
    lines = crowd(store, *[["--once"]] * 8)
    assert store.new_mails() == []
    assert strikes(store, leads) == [40] * 100
    assert sum(line["effect"] == "strike" for line in lines) == 4000
    assert len({line["lead"] for line in lines}) == 100


def test_eight_readers_of_eight_files(store):
    """4,000 bounces of the same 100 leads, 500 in each file, applied in whatever order: a bounce that is older than the
    last one of its lead is a repeat, every other one is a strike, and no strike that was made is lost."""
    leads = [f"lead{i}@dest.test" for i in range(100)]
    store.configure(**ENDLESS)
    mails = many_bounces(4000, leads)
    files = [write_mbox(store, mails[n::8], f"{n}.mbox") for n in range(8)]
    lines = crowd(store, *[["--mbox", path] for path in files])
    made = {lead: 0 for lead in leads}
    for line in lines:
        assert line["effect"] in ("strike", "repeat")
        made[line["lead"]] += line["effect"] == "strike"
    assert len(lines) == 4000
    assert strikes(store, leads) == [made[lead] for lead in leads]
