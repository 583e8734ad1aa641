# SPDX-License-Identifier: BSD-2-Clause
"""leadgate replay on logs of a month whose every mail is known, and what --apply leaves in a real Redis."""

import csv
import gzip
import io
import os
import pathlib
import pty
import re
import subprocess
import time

import pytest

import past
from bed import make_dsn, make_log
from bed.proxy import Proxy
from states import BOUNCED, JOURNAL, differences, lifetimes, state
from test_cli import drain, leadgate, printed, values
from test_replay import run_feed, write_mbox

DAY = 86400
START = int(time.time()) // DAY * DAY - 35 * DAY + 10 * 3600  # ten in the morning, five weeks ago
DAYS = 30


def month(days=DAYS):
    """Each day a mail to everybody: 220 are fine, 5 have full mailboxes, 4 are dead, 1 has no domain, 3 are greylisted; the
    filter of 2 says once, on the fourth day, that they do not exist. The mail of one is in the queue in the end."""
    log = past.Log()
    for day in range(days):
        at = START + day * DAY
        for i in range(220):
            log.mail(at + i / 10, f"good{i}@big.test", (1, past.OK), relay="mx.big.example")
        for i in range(5):
            # A second earlier each day: a suspension of whole days must not end between a mail and its bounce.
            log.mail(at + 30 + i - day, f"full{i}@full.test", (2, past.FULL), relay="mx1.full.example")
        for i in range(4):
            log.mail(at + 40 + i, f"dead{i}@big.test", (1, past.UNKNOWN), relay="mx.big.example")
        log.mail(at + 50, "lost@no-such-domain.test", (0.1, past.NO_DOMAIN))
        for i in range(3):
            log.mail(at + 60 + i, f"grey{i}@grey.test", (1, past.GREY), (301, past.GREY), (901, past.OK), relay="mx.grey.example")
        for i in range(2):
            log.mail(at + 70 + i, f"odd{i}@big.test", (1, past.UNKNOWN if day == 3 else past.OK), relay="mx.big.example")
    log.mail(START + (days - 1) * DAY + 80, "slow@grey.test", (1, past.GREY), relay="mx.grey.example")
    return log


# What must come of it, by hand: 30 mails to each of 235. With Leadgate the full mailboxes get 8 (design, section 4), the
# dead ones and the lost one 1; the odd ones get 4, and would have taken 26 more.
WANTED = {
    "sent": [7050, 7050 - 255 - 52],
    "delivered": [7050 - 302, 7050 - 302 - 52],
    "in vain": [302, 47],
    "saved": [None, 5 * 22 + 4 * 29 + 29],
    "missed": [None, 2 * 26],
    "share delivered": [95.72, 99.30],
    "share of invalid recipients": [2.16, 0.10],
    "In vain, by cause/user-unknown": [122, 6],
    "In vain, by cause/domain-unknown": [30, 1],
    "In vain, by cause/mailbox-full": [150, 40],
    "Leads opted out/user-unknown": [6, 6, 6],
    "Leads opted out/domain-unknown": [1, 1, 1],
    "Leads opted out/mailbox-full": [5, 0, 20],
    "Leads opted out/all": [12, 7, 27],
    "Leads opted out/still at the end": [12, 7],
    "The price: mails missed/user-unknown": [2, 2, 52],
    "The price: mails missed/all": [2, 2, 52],
    "Leads opted out, by provider/big.example": [6, 6],
    "Leads opted out, by provider/full.example": [5, 0],
    "Leads opted out, by provider/(no host reached)": [1, 1],
}


@pytest.fixture(scope="module")
def log():
    return month()


def replay(bed, *arguments, **options):
    """What it prints when all is well, with times in UTC."""
    bed.environ["TZ"] = "UTC"
    return printed(bed, "replay", *map(str, arguments), **options)


def tables(text):
    """{"line" or "Title/line": [numbers]}; the lines of the first table have no title."""
    found, title = {}, ""
    for line in text.splitlines():
        if match := re.match(r"(\S.*?)(?:  |$)", line):
            title = match[1]
        elif match := re.match(r"  (\S.*?)  +(\S.*)", line):
            cells = re.findall(r"-?[\d,]+(?:\.\d+)?(?= %|\b)|-", match[2])
            name = match[1] if title == "Mails" else f"{title}/{match[1]}"
            found[name] = [None if cell == "-" else float(cell.replace(",", "")) for cell in cells]
    return found


def check_figures(text, wanted=None):
    found = tables(text)
    for name, numbers in (wanted or WANTED).items():
        assert found[name] == pytest.approx(numbers), name


def sums(text):
    """The rows of the CSV, and the sums of its columns."""
    rows = list(csv.DictReader(io.StringIO(text)))
    return rows, {name: sum(int(row[name]) for row in rows) for name in rows[0] if name not in ("day", "provider")}


# -- figures


@pytest.mark.parametrize("form, name", [("rfc3339", "mail.log"), ("traditional", "mail.log"), ("rfc3339", "mail.gz"), ("traditional", "old.gz")])
def test_a_month(store, tmp_path, log, form, name):
    path = past.write(tmp_path / name, log.text(form))
    store.redis.stop()  # it is not asked
    out = replay(store, path)
    check_figures(out)
    assert out.startswith(f"{len(log.lines):,} lines; settings: {store.config_path}\n")
    assert "7,050 mails to 236 leads\n1 mail still in the queue at the end: not counted\n" in out
    assert "With Leadgate 47 mails in vain instead of 302; missed: 52 good mails to 2 leads.\n" in out
    # The fourth day is the worst: 4 dead and 2 odd ones of 226. With Leadgate it is the first.
    worst = [line for line in out.splitlines() if line.startswith("  big.example ")][-1]
    days = [time.strftime("%Y-%m-%d", time.gmtime(START + day * DAY)) for day in (3, 0)]
    assert worst.split()[1:] == [days[0], "2.65", "%", days[1], "1.77", "%"]


def test_rotated_logs_are_one_history(store, tmp_path, log):
    """Whatever the order in which the shell names them; in the middle of a day, too."""
    cuts = [0, START + 9 * DAY + 65, START + 20 * DAY + 1, float("inf")]
    names = ["mail.log.2.gz", "mail.log.1", "mail.log"]
    paths = [past.write(tmp_path / name, log.text("traditional", since, until)) for name, since, until in zip(names, cuts, cuts[1:])]
    whole = replay(store, past.write(tmp_path / "whole", log.text()))
    out = replay(store, *reversed(paths))
    assert f"{len(log.lines):,} lines of 3 files" in out
    assert out.split("\n", 1)[1] == whole.split("\n", 1)[1]


@pytest.mark.parametrize("packed", [False, True])
def test_standard_input(store, tmp_path, log, packed):
    path = past.write(tmp_path / ("log.gz" if packed else "log"), log.text())
    line = f"cat {path} | {store.bin}/leadgate replay -c {store.config_path} -"
    done = subprocess.run(["sh", "-c", line], capture_output=True, timeout=60, env=store.environ, encoding="utf-8")
    assert done.returncode == 0 and done.stderr == ""
    check_figures(done.stdout)


def test_compare(store, tmp_path, log):
    path = past.write(tmp_path / "log", log.text())
    other = tmp_path / "other.yaml"
    # One full mailbox is enough, and for the rest of the month; "no such user" must be said twice.
    other.write_text("causes: { mailbox-full: { strikes: 1, first: 40d }, user-unknown: { strikes: 2 } }\n", encoding="ascii")
    out = replay(store, "--compare", other, path)
    assert out.splitlines()[0].endswith(f"; compared: {other}")
    check_figures(out, {
        "sent": [7050, 6743, 7050 - 5 * 29 - 4 * 28 - 29],
        "in vain": [302, 47, 5 + 4 * 2 + 2 + 1],
        "missed": [None, 52, 0],
        "Leads opted out/mailbox-full": [5, 0, 20, 5, 0, 5],
        "Leads opted out/user-unknown": [6, 6, 6, 4, 4, 4],
        "The price: mails missed/all": [2, 2, 52, 0, 0, 0],
    })
    same = tables(replay(store, "--compare", store.config_path, path))
    assert all(numbers[1] == numbers[2] for name, numbers in same.items() if "/" not in name)


def test_csv_and_chart(store, tmp_path, log):
    path = past.write(tmp_path / "log", log.text())
    out = replay(store, "--csv", "-", "--compare", store.config_path, path)
    rows, total = sums(out)
    assert (total["sent"], total["vain"], total["invalid"]) == (7050, 302, 152)
    assert (total["leadgate_sent"], total["leadgate_saved"], total["leadgate_missed"]) == (6743, 255, 52)
    assert [total[f"leadgate_{name}"] for name in ("sent", "vain", "invalid")] == [total[f"compared_{name}"] for name in ("sent", "vain", "invalid")]
    assert len(rows) == 4 * DAYS and [(row["day"], row["provider"]) for row in rows] == sorted((row["day"], row["provider"]) for row in rows)
    assert {row["provider"] for row in rows} == {"", "big.example", "full.example", "grey.example"}
    # By day: the mails to full mailboxes of the worked example.
    full = "".join("1" if row["leadgate_sent"] != "0" else "0" for row in rows if row["provider"] == "full.example")
    assert full == "110001100000011000000000000110"
    check_figures(replay(store, "--csv", tmp_path / "days.csv", "--svg", tmp_path / "days.svg", path))
    assert sums((tmp_path / "days.csv").read_text(encoding="utf-8"))[1]["leadgate_sent"] == 6743
    assert (tmp_path / "days.svg").read_text(encoding="utf-8").endswith("</svg>\n")


def test_a_part_of_it(store, tmp_path, log):
    path = past.write(tmp_path / "log", log.text())
    since, until = (time.strftime("%Y-%m-%d", time.gmtime(START + day * DAY)) for day in (10, 12))
    out = replay(store, "--since", since, "--until", until, path)
    check_figures(out, {"sent": [2 * 235, 2 * 235 - 5], "in vain": [20, 15]})  # 5 dead or lost ones saved on the second day
    ago = int(time.time()) - START - 29 * DAY + 3600
    assert tables(replay(store, "--since", f"{ago}s", path))["sent"] == [235, 235]


def test_streams(store, tmp_path):
    """What a mail's stream does not enforce does not keep it back."""
    log = past.Log()
    for day in range(4):
        log.mail(START + day * DAY, "ann@full.test", (1, past.FULL), sender="news@shop.test")
        log.mail(START + day * DAY + 9, "ann@full.test", (1, past.OK), sender="Invoice@Shop.Test")
        log.mail(START + day * DAY + 20, "postmaster@big.test", (1, past.UNKNOWN), sender="news@shop.test")
    path = past.write(tmp_path / "log", log.text())
    # A delivery ends the run of strikes: nobody is opted out. So the run has to be one.
    strict = {"causes": {"mailbox-full": {"strikes": 1}}}
    store.configure(**strict)
    check_figures(replay(store, path), {"saved": [None, 3], "missed": [None, 3]})
    streams = [{"name": "invoices", "match": {"sender": ["invoice@shop.test"]}, "causes": ["hard"]}, {"name": "news"}]
    store.configure(**strict, streams=streams)
    check_figures(replay(store, path), {"saved": [None, 3], "missed": [None, 0]})
    for enforce, saved in {"observe": 3, "off": 0}.items():
        store.configure(**strict, policy={"enforce": enforce})
        assert tables(replay(store, path))["saved"] == [None, saved]


def test_what_is_nobodys_event(store, tmp_path):
    """Local deliveries, content filters, and the bounces that come back to us."""
    log = past.Log()
    log.mail(START, "ann@big.test", (1, past.OK))
    log.mail(START, "ben@big.test", (1, past.OK), relay="127.0.0.1")
    log.mail(START, "bounce@bounces.bed.test", (1, past.OK))
    log.line(START, "local", "4711AB: to=<cat@bed.test>, relay=local, delay=0.1, delays=0/0/0/0.1, dsn=2.0.0, status=sent (delivered to mailbox)")
    text = log.text().replace("127.0.0.1[192.0.2.1]", "127.0.0.1[127.0.0.1]")
    out = replay(store, past.write(tmp_path / "log", text + "Jan  1 00:00:00 mx cron[1]: (root) CMD (true)\n"))
    assert tables(out)["sent"] == [1, 1] and "1 mail to 1 lead\n" in out
    assert "3 delivery lines passed over" in out and ", 1 of them not Postfix's;" in out


def test_lines_out_of_order(store, tmp_path, log):
    lines = log.text().splitlines(keepends=True)
    for i in range(0, len(lines) - 40, 40):
        lines[i:i + 40] = reversed(lines[i:i + 40])
    # A clock that was wrong for a moment: that line is left out, and no opt-out ends by it.
    wrong = next(line for line in lines if "status=sent" in line)
    lines.insert(40, wrong.replace(wrong[:4], "2099").replace("good", "other"))
    out = replay(store, past.write(tmp_path / "log", "".join(lines)))
    assert "delivery lines behind later ones" in out and "1 delivery line left out" in out
    assert tables(out)["in vain"] == [302, 47]


def test_nothing_delivered(store, tmp_path):
    log = past.Log()
    log.line(START, "smtpd", "connect from unknown[192.0.2.9]")
    out = replay(store, "--svg", tmp_path / "x.svg", "--csv", tmp_path / "x.csv", past.write(tmp_path / "log", log.text()))
    assert out.endswith("\nNo delivery in it.\n")
    assert (tmp_path / "x.csv").read_text(encoding="ascii").count("\n") == 1


# -- what cannot be read


def broken_files(folder, log):
    text = log.text()
    packed = gzip.compress(text.encode())
    files = {
        "foreign": b"Jan  1 00:00:00 mx cron[1]: (root) CMD (true)\n" * 5,
        "binary": bytes(range(256)) * 1000,
        "empty": b"",
        "short.gz": packed[:len(packed) // 2],
        "damaged.gz": packed[:2000] + b"\x00" * 500 + packed[2500:],
        "good": text.encode(),
    }
    for name, data in files.items():
        (folder / name).write_bytes(data)
    (folder / "folder").mkdir()
    (folder / "wrong.yaml").write_text("causes: { mailbox-ful: {} }\n", encoding="ascii")


@pytest.mark.parametrize("arguments, status, words", [
    (["foreign"], 65, "foreign: none of its lines is Postfix's"),
    (["good", "foreign"], 65, "foreign: none of its lines is Postfix's"),
    (["binary"], 65, "binary: none of its lines is Postfix's"),
    (["empty"], 65, "not a line"),
    (["good", "empty"], 0, ""),
    (["short.gz"], 65, "short.gz: ends in the middle"),
    (["damaged.gz"], 65, "damaged.gz: "),
    (["nothing"], 66, "nothing: No such file"),
    (["good", "nothing"], 66, "nothing: No such file"),
    (["folder"], 66, "folder: Is a directory"),
    ([], 64, "which logs?"),
    (["--since", "yesterday", "good"], 64, "--since"),
    (["--compare", "nothing.yaml", "good"], 78, "nothing.yaml: No such file"),
    (["--compare", "wrong.yaml", "good"], 78, "wrong.yaml:1:11: "),
    (["--csv", "nothing/x.csv", "good"], 1, "nothing/x.csv: No such file"),
    (["--svg", "folder", "good"], 1, "folder: Is a directory"),
], ids=lambda value: " ".join(value) if isinstance(value, list) else "")
def test_what_cannot_be_read(store, tmp_path, arguments, status, words):
    broken_files(tmp_path, month(2))
    code, _, err = leadgate(store, "replay", *arguments, cwd=tmp_path)
    assert code == status and words in err and err.count("\n") <= (30 if status == 64 else 1)


def test_a_bar_on_a_terminal(store, tmp_path):
    log = past.Log()
    for i in range(20000):
        log.mail(START + i, f"lead{i}@big.test", (1, past.OK))
    path = past.write(tmp_path / "log.gz", log.text() * 5)
    ours, theirs = pty.openpty()
    argv = [f"{store.bin}/leadgate", "replay", "-c", store.config_path, path]
    with subprocess.Popen(argv, stdout=theirs, stderr=theirs, env={**store.environ, "TERM": "vt100"}) as child:
        os.close(theirs)
        shown = drain(ours)
    assert child.returncode == 0 and b"bytes: [" in shown and b"\r\x1b[K" in shown
    assert f"% of {os.path.getsize(path)}".encode() in shown


# -- --apply


def test_apply(store, tmp_path, log):
    """As if Leadgate had been there, but for the mails that were sent: those that are over are over, those that stand end when
    they end."""
    path = past.write(tmp_path / "log.gz", log.text())
    out = replay(store, "--apply", path)
    check_figures(out)
    assert "Redis: " in out and "of 236 leads; 12 leads opted out by them, 7 of them for good\n" in out
    found = values(store)
    outs = {key for key in found if key.endswith(":optout")}
    full = {f"lead:{{full{i}@full.test}}:optout" for i in range(5)}
    dead = {f"lead:{{{name}}}:optout" for name in ["lost@no-such-domain.test"] + [f"dead{i}@big.test" for i in range(4)] + [f"odd{i}@big.test" for i in range(2)]}
    assert outs == full | dead
    assert len([key for key in found if re.fullmatch(r"lead:\{[^}]*\}", key)]) == 236
    # A full mailbox was mailed on all the time; but what bounces while she is opted out is no strike. So it is days 1, 2:
    # 3 d; 6, 7: 6 d; 14, 15: 12 d; 28, 29: 24 d, as if Leadgate had been there.
    until = START + 28 * DAY + 30 - 28 + 2 + 24 * DAY
    assert store.redis.call("TTL", "lead:{full0@full.test}:optout") == pytest.approx(until - time.time(), abs=5)
    lead = found["lead:{full0@full.test}"]
    assert (lead["cause"], lead["cycle"], lead["strikes"], lead["provider"]) == ("mailbox-full", "4", "0", "full.example")
    good = found["lead:{good0@big.test}"]
    assert good["deliveries"] == "30" and good["score"] == "3"
    assert all(store.redis.call("TTL", key) == -1 for key in dead)


def test_apply_again_changes_nothing(store, tmp_path, log):
    path = past.write(tmp_path / "log", log.text())
    replay(store, "--apply", path)
    once, alive = state(store.redis), lifetimes(store.redis)
    out = replay(store, "--apply", path)
    events, known = re.search(r"Redis: ([\d,]+) events .*, of which ([\d,]+) were known; 0 leads opted out", out).groups()
    assert events == known
    assert state(store.redis) == once
    assert all(ttl <= alive[key] for key, ttl in lifetimes(store.redis).items())


def test_apply_in_parts(store, tmp_path, log):
    """A log a week, as they were rotated, leaves what all at once leave."""
    replay(store, "--apply", past.write(tmp_path / "log", log.text()))
    whole = state(store.redis)
    store.redis.call("FLUSHALL")
    for week in range(5):
        replay(store, "--apply", past.write(tmp_path / f"log.{week}", log.text(since=START + (week * 7 - 1) * DAY + 3600,
                                                                              until=START + (week * 7 + 6) * DAY + 3600)))
    assert differences(state(store.redis), whole) == []


def test_apply_is_what_the_bounces_would_have_done(store, tmp_path):
    """The same failures once from the log and once from the notices about them: the same leads, but for the words."""
    log = past.Log()
    notices = []
    for day in range(12):
        for i, fate in enumerate([past.UNKNOWN, past.FULL, past.FULL]):
            at, lead = START + day * DAY + 10 * i, f"lead{i}@dest.test"
            log.mail(at, lead, (3, fate), relay="mx.dest.test")
            notices.append(make_dsn(lead, "5.1.1" if i == 0 else "5.2.2", at=at + 3, sent=at, message_id=f"{log.mails}.{at}@shop.test"))
    replay(store, "--apply", past.write(tmp_path / "log", log.text()))
    words = ("diag", "provider", "status", "rev")
    from_log = state(store.redis, words)
    outs = lifetimes(store.redis)
    store.redis.call("FLUSHALL")
    run_feed(store, "--mbox", write_mbox(store, notices))
    from_mail = state(store.redis, words)
    keep = [key for key in from_log if key.endswith(("}", ":optout"))]
    assert len(keep) >= 4 and sorted(keep) == sorted(key for key in from_mail if key.endswith(("}", ":optout")))
    assert differences({key: from_log[key] for key in keep}, {key: from_mail[key] for key in keep}) == []
    assert all(abs(outs[key] - ttl) <= 5 for key, ttl in lifetimes(store.redis).items() if key in keep)


@pytest.mark.parametrize("mails", ["month", "random"])
def test_apply_is_what_the_feed_does(store, log, mails):
    """The same log through leadgate-feed: the same keys, to the last word of the leads' own logs."""
    text = log.text() if mails == "month" else b"".join(make_log(20000, 300, 7, START, 20 * DAY)).decode()
    path = past.write(pathlib.Path(store.dir, "mail.log"), text)
    os.chmod(path, 0o644)
    replay(store, "--apply", path)
    rehearsed, alive = state(store.redis), lifetimes(store.redis)
    store.redis.call("FLUSHALL")
    run_feed(store, "--log", path)
    fed = state(store.redis)
    own = {key for key in fed if key.startswith(("lead:", JOURNAL, BOUNCED)) or key.endswith("}:returning")}
    assert len(own) > 236 and own == set(rehearsed)
    assert differences({key: fed[key] for key in own}, rehearsed) == []
    assert all(abs(alive[key] - ttl) <= 60 for key, ttl in lifetimes(store.redis).items() if key in own)


def test_redis_is_away(store, tmp_path, log):
    path = past.write(tmp_path / "log", log.text())
    replay(store, "--apply", path)
    whole = state(store.redis)
    store.redis.call("FLUSHALL")
    store.redis.stop()
    status, out, err = leadgate(store, "replay", "--apply", path)
    assert (status, out) == (75, "") and err.startswith("leadgate: ")
    store.redis.start()
    # Half of it is in when Redis goes.
    proxy = Proxy(os.path.join(store.run_dir, "redis"), store.redis.path)
    store.configure(redis={"address": f"unix:{proxy.path}"})
    try:
        proxy.arm(b"{full3@full.test}", lambda: store.redis.process.kill())
        status, out, err = leadgate(store, "replay", "--apply", path)
        assert (status, out) == (75, "") and err.endswith(" events were applied before; run it again\n") and proxy.struck.is_set()
        store.redis.start()
        assert "7,050 mails" in replay(store, "--apply", path)
        assert differences(state(store.redis), whole) == []
    finally:
        proxy.close()
