# SPDX-License-Identifier: BSD-2-Clause
"""What the programs count in leadgate:counters: every decision and event once, also when Redis goes away in between; and
nothing depends on that key."""

import csv
import io
import json
import os
import socket
import subprocess
import time

from bed import make_dsn, transaction
from bed.smtp import campaign_message

KEY = "leadgate:counters"
HERE = os.path.dirname(os.path.realpath(__file__))
COMPLAINT = os.path.join(os.path.dirname(HERE), "data", "bounce", "complaint.eml")


COUNTED = ("decisions", "events", "effects", "rules", "failures", "other")


def counters(bed, *groups):
    """What stands in Redis, of these groups or of all that are sums: {name: number}."""
    found = bed.redis.client.hash(KEY) if bed.redis.call("TYPE", KEY) == "hash" else {}
    return {name: int(value) for name, value in found.items() if name.split(".")[0] in (groups or COUNTED)}


def suppress(bed):
    bed.redis.call("SET", "lead:{gone@dest.test}:optout", "kind=permanent cause=user-unknown")
    bed.redis.call("SET", "lead:{over@dest.test}:optout", "kind=temporary cause=mailbox-full", "EX", 600)
    bed.redis.call("HSET", "lead:{left@dest.test}:refused", "*", "cause=unsubscribe")


def ask(bed, *recipients, sender="news@bed.test"):
    """As Postfix asks the policy server, on one connection; the actions."""
    actions = []
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(bed.policy_socket)
        with link.makefile("rwb") as stream:
            for recipient in recipients:
                request = ["request=smtpd_access_policy", "protocol_state=RCPT", f"sender={sender}", f"recipient={recipient}"]
                stream.write(("\n".join(request) + "\n\n").encode())
                stream.flush()
                actions.append(stream.readline().decode().removeprefix("action=").split()[0])
                stream.readline()
    return actions


def dsn(number, lead, status="5.1.1", **more):
    return make_dsn(lead, status, at=int(time.time()) - 100 + number, message_id=f"m{number}@bed.test", **more)


def leadgate(bed, *arguments):
    argv = [f"{bed.bin}/leadgate", *arguments, "-c", bed.config_path]
    return subprocess.run(argv, capture_output=True, timeout=60, env=bed.environ, encoding="utf-8")


# -- decisions


def test_decisions(bed):
    """Through a real Postfix: what passed, what was refused and why, what nobody was asked about."""
    suppress(bed)
    bed.start_policyd()
    bed.campaign(["gone@dest.test", "over@dest.test", "left@dest.test", "good@dest.test", "fine@dest.test"])
    bed.campaign(["gone@dest.test", "postmaster@dest.test"])
    want = {"decisions.refused.user-unknown": 2, "decisions.refused.mailbox-full": 1, "decisions.refused.unsubscribe": 1,
            "decisions.passed": 2, "decisions.exempt": 1}
    bed.wait(lambda: counters(bed) == want, f"{want} instead of the last of what is there")


def test_decisions_that_are_only_observed(store):
    suppress(store)
    store.configure(policy={"enforce": "observe"})
    store.start_policyd()
    assert ask(store, "gone@dest.test", "good@dest.test") == ["DUNNO", "DUNNO"]
    want = {"decisions.observed.user-unknown": 1, "decisions.passed": 1}
    store.wait(lambda: counters(store) == want, f"{want}")


def test_the_last_second(store):
    """What the second before the end has counted is there when the program has ended."""
    policyd = store.start_policyd()
    for number in range(1, 4):
        ask(store, *["good@dest.test"] * 100)
        policyd.stop()
        assert counters(store) == {"decisions.passed": 100 * number}
        policyd = store.start_policyd()


def test_removals(bed):
    """The milter's: recipients of mail that no policy server is asked about."""
    suppress(bed)
    bed.start_milter()
    bed.postfix.sendmail(["gone@dest.test", "over@dest.test", "good@dest.test"], campaign_message())
    want = {"decisions.removed.user-unknown": 1, "decisions.removed.mailbox-full": 1}
    bed.wait(lambda: counters(bed) == want, f"{want}")


# -- events

LEADS = [f"lead{i}@dest.test" for i in range(5)]


def put_bounces(bed):
    """Five that opt out, one of them twice, one that strikes, a complaint."""
    for i, lead in enumerate(LEADS):
        bed.put_mail(f"{i}", dsn(i, lead))
    bed.put_mail("5", dsn(0, LEADS[0]))
    bed.put_mail("6", dsn(6, "full@dest.test", "5.2.2"))
    with open(COMPLAINT, "rb") as mail:
        bed.put_mail("7", mail.read())


def rule_of(bed, mail):
    path = os.path.join(bed.dir, "mail.eml")
    with open(path, "wb") as file:
        file.write(mail)
    done = subprocess.run([f"{bed.bin}/leadgate", "classify", "--tsv", path], capture_output=True, env=bed.environ, text=True, check=True)
    return done.stdout.rstrip("\n").split("\t")[5]


def wanted(bed):
    unknown, full = rule_of(bed, dsn(0, LEADS[0])), rule_of(bed, dsn(6, "full@dest.test", "5.2.2"))
    return {
        "events.mailbox.bounce.user-unknown": 6,
        "events.mailbox.bounce.mailbox-full": 1,
        "events.mailbox.complaint": 1,
        "effects.optout": 5,
        "effects.repeat": 1,
        "effects.strike": 1,
        "effects.will": 1,
        f"rules.{unknown}": 6,
        f"rules.{full}": 1,
        "rules.feedback:abuse": 1,
    }


def test_events_of_a_mailbox(store):
    store.make_maildir(store.maildir)
    put_bounces(store)
    want = wanted(store)
    store.start_feed()
    store.wait(lambda: counters(store) == want, f"{want}")
    # Two mails within a second: the second one's counts do not wait for a third mail.
    store.put_mail("8", dsn(8, "one@dest.test"))
    store.wait(lambda: counters(store)["effects.optout"] == 6, "the first")
    store.put_mail("9", dsn(9, "two@dest.test"))
    store.wait(lambda: counters(store)["effects.optout"] == 7, "the second")


def test_events_of_one_run(store):
    """--once, --mbox and --stdin have counted when they end."""
    store.make_maildir(store.maildir)
    put_bounces(store)
    want = wanted(store)
    run = store.program("leadgate-feed", "-c", store.config_path, "--once").start()
    assert run.wait(30) == 0 and counters(store) == want

    mbox = os.path.join(store.dir, "bounces.mbox")
    with open(mbox, "wb") as file:
        for i in range(3):
            file.write(b"From MAILER-DAEMON Thu Jan  1 00:00:00 2026\n" + dsn(20 + i, f"new{i}@dest.test") + b"\n")
    assert store.program("leadgate-feed", "-c", store.config_path, "--mbox", mbox).start().wait(30) == 0
    assert counters(store)["effects.optout"] == want["effects.optout"] + 3

    with open(mbox, "wb") as file:
        file.write(dsn(30, "last@dest.test"))
    with open(mbox, "rb") as mail:
        assert store.program("leadgate-feed", "-c", store.config_path, "--stdin").start(stdin=mail).wait(30) == 0
    assert counters(store)["effects.optout"] == want["effects.optout"] + 4


def test_events_of_the_milter(bed):
    milter = bed.start_milter()
    for i, lead in enumerate(LEADS):
        assert transaction(bed.postfix.port, ["bounce@bounces.bed.test"], sender="", message=dsn(i, lead)).data.ok
    milter.stop()  # the last second
    assert counters(bed, "events", "effects") == {"events.milter.bounce.user-unknown": 5, "effects.optout": 5}


# -- a log


def log_line(at, number, lead, outcome="dsn=2.0.0, status=sent (250 2.0.0 Ok)"):
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(at))
    return f"{stamp} mx postfix/smtp[77]: 4B{number:08X}: to=<{lead}>, relay=mx.dest.test[192.0.2.26]:25, delay=1, delays=0/0/0/1, {outcome}\n"


UNKNOWN = "dsn=5.1.1, status=bounced (host mx.dest.test[192.0.2.26] said: 550 5.1.1 <{r}>: User unknown (in reply to RCPT TO command))"
FULL = "dsn=4.2.2, status=deferred (host mx.dest.test[192.0.2.26] said: 452 4.2.2 <{r}>: mailbox is full (in reply to RCPT TO command))"


def test_events_of_a_log(store):
    """What Postfix says of each recipient, and how far behind it we are: at the end of the log not at all."""
    path, now = os.path.join(store.folder("spool", 0o755), "mail.log"), int(time.time())
    lag = f"lag.{socket.gethostname()}:{path}"
    with open(path, "w", encoding="utf-8") as log:
        log.write(log_line(now - 30, 1, "ann@dest.test"))
        log.write(log_line(now - 29, 2, "bob@dest.test", UNKNOWN.format(r="bob@dest.test")))
        log.write(log_line(now - 28, 3, "cid@dest.test", FULL.format(r="cid@dest.test")))
    store.configure(feed={"logs": [path]})
    store.start_feed()
    want = {"events.log.delivered": 1, "events.log.bounce.user-unknown": 1, "events.log.deferred.mailbox-full": 1,
            "effects.good": 1, "effects.optout": 1, "effects.recorded": 1}
    store.wait(lambda: counters(store, "events", "effects") == want, f"{want}")
    store.wait(lambda: counters(store, "lag").get(lag) == 0, "the end of the log")
    # While there is a backlog it shows.
    with open(path, "a", encoding="utf-8") as log:
        log.writelines(log_line(now - 20, 10 + i, f"lead{i}@dest.test") for i in range(100000))
    store.wait(lambda: counters(store, "lag")[lag] >= 20, "the backlog to show")
    store.wait(lambda: counters(store)["events.log.delivered"] == 100001 and counters(store, "lag")[lag] == 0, "its end", timeout=60)


def test_events_of_applications(store):
    add = ("XADD", "leadgate:events", "*", "lead", "ann@dest.test", "type")
    store.start_feed()
    store.redis.call(*add, "click")
    store.redis.call(*add, "bounce", "status", "5.1.1", "text", "550 5.1.1 <ann@dest.test>: User unknown", "at", int(time.time()) - 5)
    want = {"events.application.click": 1, "events.application.bounce.user-unknown": 1}
    store.wait(lambda: counters(store, "events") == want, f"{want}")
    assert sum(counters(store, "rules").values()) == 1
    store.wait(lambda: counters(store, "lag").get("lag.applications") == 0, "the end of the stream")


# -- Redis away


def test_policyd_without_redis(store):
    """Decisions without Redis are counted like the others, and added when it is back: no more and no less."""
    suppress(store)
    store.start_policyd()
    assert ask(store, "gone@dest.test", "good@dest.test") == ["550", "DUNNO"]
    before = {"decisions.refused.user-unknown": 1, "decisions.passed": 1}
    store.wait(lambda: counters(store) == before, "the counters before")
    store.redis.stop()
    actions = ask(store, *["gone@dest.test"] * 500)
    assert actions == ["DUNNO"] * 500
    store.redis.start()

    def served():
        actions.extend(ask(store, "gone@dest.test"))
        return actions[-1] == "550"

    store.wait(served, "enforcement, with Redis back")
    want = {"decisions.refused.user-unknown": 2, "decisions.passed": 1, "decisions.unavailable": len(actions) - 1,
            "failures.store.policyd": 1}
    store.wait(lambda: counters(store) == want, f"{want}")


def test_feed_and_milter_without_redis(bed):
    """What could not be applied is a failure; applied when Redis is back it counts once."""
    feed = bed.start_feed()
    bed.start_milter()
    bed.put_mail("0", dsn(0, LEADS[0]))
    bed.wait(lambda: counters(bed, "events") == {"events.mailbox.bounce.user-unknown": 1}, "the first event")
    bed.redis.stop()
    bed.put_mail("1", dsn(1, LEADS[1]))
    bed.wait(lambda: "cannot commit" in feed.text(), "the feed to notice")
    mail = dsn(2, LEADS[2])
    assert transaction(bed.postfix.port, ["bounce@bounces.bed.test"], sender="", message=mail).data.code == 451
    bed.redis.start()
    bed.wait(lambda: transaction(bed.postfix.port, ["bounce@bounces.bed.test"], sender="", message=mail).data.ok, "the milter to take it")
    # The milter's mail lands in the mailbox behind it, too, and is a repeat there.
    want = {"events.mailbox.bounce.user-unknown": 3, "events.milter.bounce.user-unknown": 1, "effects.optout": 3, "effects.repeat": 1}
    bed.wait(lambda: counters(bed, "events", "effects") == want, f"{want}")
    failures = counters(bed, "failures")
    assert failures["failures.store.feed"] >= 1 and failures["failures.store.milter"] >= 1


def test_redis_comes_and_goes_under_load(store):
    """However often the connection breaks in the middle of a flush: nothing is added twice. What was under way is lost,
    so there may be less than was answered."""
    policyd = store.start_policyd()
    answered = 0
    for _ in range(5):
        end = time.monotonic() + 1.2  # longer than from one flush to the next
        while time.monotonic() < end:
            answered += len(ask(store, *["good@dest.test"] * 50))
        store.redis.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    policyd.stop()
    total = sum(counters(store, "decisions").values())
    assert answered // 2 < total <= answered


# -- the key belongs to the operator, too


def test_a_key_of_a_wrong_type(bed):
    """Each program says so once; mail and bounces go on; what was counted meanwhile is there when the key is free."""
    suppress(bed)
    bed.redis.call("SET", KEY, "my own")
    policyd, feed, milter = bed.start_policyd(), bed.start_feed(), bed.start_milter()
    for i in range(2):
        assert bed.campaign(["gone@dest.test", "good@dest.test"]).refused == ["gone@dest.test"]
        bed.put_mail(f"{i}", dsn(i, LEADS[i]))
        bed.postfix.sendmail(["over@dest.test"], campaign_message())
        for program in policyd, feed, milter:
            bed.wait(lambda: "WRONGTYPE" in program.text(), f"a word of {program.name}")
        bed.wait(lambda: bed.redis.call("EXISTS", f"lead:{{{LEADS[i]}}}:optout"), "the opt-out")
        bed.wait(lambda: len(milter.lines("removed")) == i + 1, "the removal")
        bed.next_second()
        bed.next_second()
    assert bed.redis.call("GET", KEY) == "my own"
    done = leadgate(bed, "stats")
    assert done.returncode == 0 and "leadgate:counters is no hash" in done.stderr and "permanent" in done.stdout
    bed.redis.call("DEL", KEY)
    assert bed.campaign(["gone@dest.test"]).refused == ["gone@dest.test"]
    want = {"decisions.refused.user-unknown": 3, "decisions.passed": 2, "decisions.removed.mailbox-full": 2,
            "events.mailbox.bounce.user-unknown": 2, "effects.optout": 2}
    bed.wait(lambda: counters(bed, "decisions", "events", "effects") == want, f"{want}")
    for program in policyd, feed, milter:
        bed.wait(lambda: "takes counts again" in program.text(), f"another word of {program.name}")
        assert program.text().count("WRONGTYPE") == 1 and program.text().count("takes counts again") == 1


FIELDS = {
    "decisions.passed": "1200000",
    "decisions.refused.mailbox-full": "17",
    "events.log.bounce.domain-misconfigured": "3",
    "lag.mx:/var/log/mail.log": "0",
    "mine": "written by hand",
    'odd "one",\x1b[31m': "5",
}


def test_stats(store):
    """Printed below the other figures, by group; also what is not ours, and none of it as an escape sequence."""
    for name, value in FIELDS.items():
        store.redis.call("HSET", KEY, name, value)
    text = leadgate(store, "stats").stdout
    below = text[text.index("\nkeys "):].splitlines()[3:]
    assert [line.split()[0] if line else "" for line in below] == ["decisions", "decisions", "", "events", "", "lag", "", "mine", "", "odd"]
    assert len({len(line) for line in below if line[-1:].isdigit()}) == 1  # one column
    assert below[0].endswith(" 1200000") and below[1].split() == ["decisions", "refused.mailbox-full", "17"]
    assert below[7].endswith(" written by hand") and "\x1b" not in text

    rows = list(csv.reader(io.StringIO(leadgate(store, "stats", "--format", "csv").stdout)))
    found = {name: value for kind, name, value in rows if kind == "counter"}
    assert rows[0] == ["kind", "cause", "count"] and found.pop('odd "one",?[31m') == "5"
    assert found == {name: value for name, value in FIELDS.items() if not name.startswith("odd")}

    lines = [json.loads(line) for line in leadgate(store, "stats", "--format", "json").stdout.splitlines()]
    found = {line["name"]: line.get("count", line.get("value")) for line in lines if line["kind"] == "counter"}
    assert {name: str(value) for name, value in found.items()} == FIELDS
    assert found["decisions.passed"] == 1200000


def test_stats_without_counters(store):
    done = leadgate(store, "stats")
    assert done.returncode == 0 and done.stderr == "" and done.stdout.splitlines()[-1].split() == ["keys", "0"]
