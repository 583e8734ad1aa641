# SPDX-License-Identifier: BSD-2-Clause
"""leadgate revert on a real Redis: a provider's bad day, read from Postfix's log, is taken back. What holds of any history
is the unit tests'."""

import calendar
import csv
import io
import json
import os
import re
import time

from test_cli import journal, leadgate, log_of, printed
from test_log import read_once

REFUSALS = {
    "5.1.1": "550-5.1.1 The email account that you tried to reach does not exist.",
    "5.2.2": "552 5.2.2 The email account that you tried to reach is over quota",
}


def iso(at):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))


def log_line(at, number, lead, dsn, host="gmail-smtp-in.l.google.com"):
    """One message's end, as Postfix writes it: sent, or bounced with that status."""
    status, words = ("sent", "250 2.0.0 OK") if dsn == "2.0.0" else ("bounced", f"host {host}[192.0.2.1] said: {REFUSALS[dsn]} (in reply to RCPT TO command)")
    return (
        f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(at))}.000000+00:00 mail postfix/smtp[4711]: {number:010X}: to=<{lead}>, "
        f"relay={host}[192.0.2.1]:25, delay=1, delays=0/0/0.5/0.5, dsn={dsn}, status={status} ({words})\n"
    ).encode()


def happen(store, *moments):
    """(seconds ago, lead, status[, host]) each."""
    path = os.path.join(store.folder("revert", 0o755), "mail.log")
    with open(path, "wb") as file:
        file.writelines(log_line(time.time() - ago, number, *rest) for number, (ago, *rest) in enumerate(moments))
    assert read_once(store, path)["events"] == len(moments)
    return path


def keep(store):
    """Everything but the counters, which a feed may still add to."""
    return {key: held for key, held in store.redis.client.dump().items() if key != "leadgate:counters"}


def values(held):
    return {key: value for key, (_, value, _) in held.items()}


def a_bad_day(store):
    """ann, ben and cat are good; cat clicks afterwards; dan's own server refuses him; fay's mailbox is full, a little."""
    return happen(
        store,
        (90000, "ann@gmail.com", "2.0.0"),
        (90000, "ben@firm.example", "2.0.0"),
        (90000, "cat@gmail.com", "2.0.0"),
        (1800, "ann@gmail.com", "5.1.1"),
        (1790, "ben@firm.example", "5.1.1"),
        (1780, "cat@gmail.com", "5.1.1"),
        (1770, "dan@dest.test", "5.1.1", "mx.dest.test"),
        (1760, "fay@gmail.com", "5.2.2"),
        (900, "cat@gmail.com", "2.0.0"),
    )


def test_a_bad_day(store):
    path = a_bad_day(store)
    before = keep(store)
    out = printed(store, "revert", "--provider", "google.com", "--since", "1h", "--dry-run").splitlines()
    assert sorted(out[:-1]) == [
        "ann@gmail.com: would be let in again: was opted out for good (user-unknown)",
        "ben@firm.example: would be let in again: was opted out for good (user-unknown)",
        "cat@gmail.com: left alone (user-unknown): something stands on it",
        "fay@gmail.com: would be taken back (mailbox-full): strikes 0, were 1",
    ]
    assert out[-1] == "would be taken back: 3 bounces of 3 leads; let in again: 2; left alone: 1"
    assert values(keep(store)) == values(before)

    out = printed(store, "revert", "--provider", "Google.com", "--since", "1h", "--cause", "user-unknown", "--cause", "domain-unknown", "--why", "their bad day")
    assert out.splitlines()[-1] == "taken back: 2 bounces of 2 leads; let in again: 2; left alone: 1"
    assert sorted(store.redis.client.keys("lead:*:optout")) == ["lead:{cat@gmail.com}:optout", "lead:{dan@dest.test}:optout"]
    assert store.redis.client.hash("lead:{fay@gmail.com}")["strikes"] == "1"
    entry = log_of(store, "ann@gmail.com")[-1]
    assert (entry["change"], entry["event"], entry["source"], entry["evidence"]) == ("lift", "revert", "operator", "their bad day")
    assert entry["was"].startswith("kind=permanent cause=user-unknown")
    assert [(change["lead"], change["change"]) for change in journal(store)][-2:] == [("ann@gmail.com", "lift"), ("ben@firm.example", "lift")]
    why = printed(store, "why", "ann@gmail.com")
    assert "now: nothing stands against her" in why
    assert re.search(r"  let in again, cause user-unknown, bounces taken back: 1\n    by operator, event revert, provider google.com\n    evidence: their bad day\n", why)

    # Once more, and the same log once more: nothing.
    after = keep(store)
    assert printed(store, "revert", "--provider", "google.com", "--since", "1h", "--cause", "user-unknown").splitlines() == [
        "cat@gmail.com: left alone (user-unknown): something stands on it",
        "taken back: 0 bounces of 0 leads; let in again: 0; left alone: 1",
    ]
    read_once(store, path)
    assert values(keep(store)) == values(after)


def test_formats_and_words(store):
    a_bad_day(store)
    out = printed(store, "revert", "--since", "2d", "--match", "OVER (quota|limit)", "--dry-run", "--format", "json")
    (fay,) = [json.loads(line) for line in out.splitlines()]
    assert re.fullmatch(r"552 5.2.2 .*over quota.*", fay.pop("evidence"))
    assert abs(time.mktime(time.strptime(fay.pop("at"), "%Y-%m-%dT%H:%M:%SZ")) - time.mktime(time.gmtime()) + 1760) < 60
    assert fay == {"address": "fay@gmail.com", "done": "taken-back", "cause": "mailbox-full", "provider": "google.com", "bounces": 1,
                   "strikes_was": 1, "strikes": 0, "score_was": "-1", "score": "0"}
    rows = list(csv.DictReader(io.StringIO(printed(store, "revert", "--since", "2d", "--format", "csv"))))
    assert sorted((row["address"], row["done"], row["left_alone"], row["optout"], row["bounces"]) for row in rows) == [
        ("ann@gmail.com", "let-in", "", "permanent", "1"),
        ("ben@firm.example", "let-in", "", "permanent", "1"),
        ("cat@gmail.com", "left-alone", "yes", "", "0"),
        ("dan@dest.test", "let-in", "", "permanent", "1"),
        ("fay@gmail.com", "taken-back", "", "", "1"),
    ]


def test_what_makes_no_sense(store):
    for arguments, words in [
        ([], "--since when?"),
        (["--since", "yesterday"], "yesterday"),
        (["--since", "1h", "--until", "2h"], "later than --until"),
        (["--since", "2099-01-01"], "--since is in the future: 2099-01-01"),
        (["--since", "1h", "--cause", "user-unknown", "--cause", "bad"], "no such cause: bad"),
        (["--since", "1h", "--match", "("], "--match: "),
        (["--since", "1h", "--format", "xml"], "--format is one of"),
        (["--since", "1h", "ann@gmail.com"], "usage:"),
        (["--since", "1h", *["--cause", "user-unknown"] * 40], "too many causes"),
    ]:
        status, out, err = leadgate(store, "revert", *arguments)
        assert (status, out) == (64, "") and words in err, arguments
    status, out, err = leadgate(store, "revert", "--help")
    assert status == 0 and out.startswith("usage: leadgate revert")


def test_where_nothing_can_be_found(store):
    """Older than is kept, or of nobody: not a mere 0, which would look like a day without bounces."""
    a_bad_day(store)
    status, out, err = leadgate(store, "revert", "--since", "3d", "--dry-run")
    words = re.fullmatch(r"leadgate: bounces are kept for 2 d: those that were read before (20\S+Z) stay as they are\n", err)
    assert abs(time.time() - 172800 - calendar.timegm(time.strptime(words[1], "%Y-%m-%dT%H:%M:%SZ"))) < 60
    assert status == 0 and out.endswith("would be taken back: 4 bounces of 4 leads; let in again: 3; left alone: 1\n")
    before = keep(store)
    for provider, why in [
        ("nosuch.example", "nosuch.example: no such provider, nor a domain whose provider is known; "),
        ("firm.example", "firm.example: no such provider, but a domain of google.com\n"),
    ]:
        status, out, err = leadgate(store, "revert", "--since", "1h", "--provider", provider)
        assert (status, out) == (1, "taken back: 0 bounces of 0 leads; let in again: 0; left alone: 0\n")
        assert err.startswith("leadgate: " + why)
    assert values(keep(store)) == values(before)
    # One that is known had a good day.
    assert printed(store, "revert", "--since", "1s", "--provider", "Google.com").startswith("taken back: 0 ")


def test_redis_is_away(store):
    store.redis.stop()
    status, out, err = leadgate(store, "revert", "--since", "1h")
    assert status == 75 and "cannot connect to Redis" in err
    store.redis.start()
