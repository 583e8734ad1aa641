# SPDX-License-Identifier: BSD-2-Clause
"""The operator's command on a real Redis: what it prints, what it leaves there, how it ends."""

import json
import os
import pty
import subprocess
import time

import pytest


def leadgate(bed, command, *arguments, stdin=None, **options):
    """Runs it as an operator does; (exit status, standard output, standard error)."""
    argv = [os.path.join(bed.bin, "leadgate"), command, "-c", options.pop("config", bed.config_path), *arguments]
    done = subprocess.run(argv, input=stdin, capture_output=True, timeout=60, env=bed.environ, encoding="utf-8", **options)
    return done.returncode, done.stdout, done.stderr


def printed(bed, command, *arguments, **options):
    """What it prints when all is well."""
    status, out, err = leadgate(bed, command, *arguments, **options)
    assert (status, err) == (0, "")
    return out


def journal(bed):
    entries = bed.redis.call("XRANGE", "leadgate:journal", "-", "+")
    return [dict(zip(fields[::2], fields[1::2])) for _, fields in entries]


def log_of(bed, lead):
    entries = bed.redis.call("XRANGE", f"lead:{{{lead}}}:log", "-", "+")
    return [dict(zip(fields[::2], fields[1::2])) for _, fields in entries]


def values(bed):
    return {key: value for key, (_, value, _) in bed.redis.client.dump().items()}


def optout(bed, lead, value="kind=permanent cause=user-unknown since=2026-01-01T00:00:00Z", seconds=None):
    bed.redis.call("SET", f"lead:{{{lead}}}:optout", value, *(["EX", seconds] if seconds else []))


def rows(text):
    return sorted(line.split("\t") for line in text.splitlines())


# -- one lead


def test_optout_and_flush(store):
    key = "lead:{ann@xn--bcher-kva.example}:optout"
    out = printed(store, "optout", "--for", "7d", "--why", "asked on the phone", "Ann@Bücher.example")
    assert out.startswith("ann@xn--bcher-kva.example: opted out until ")
    assert 604790 < store.redis.call("TTL", key) <= 604800
    assert "cause=manual" in store.redis.call("GET", key)
    # A lighter one says nothing new, a graver one replaces it.
    assert "unchanged" in printed(store, "optout", "--for", "1d", "Ann@Bücher.example")
    assert "for good" in printed(store, "optout", "Ann@Bücher.example")
    assert store.redis.call("TTL", key) == -1
    assert printed(store, "flush", "ann@xn--bcher-kva.example.").endswith(": let in again\n")
    assert printed(store, "flush", "ann@xn--bcher-kva.example").endswith(": was not opted out\n")
    assert store.redis.call("EXISTS", key) == 0

    changes = [(entry["change"], entry["source"], entry["evidence"]) for entry in journal(store)]
    assert changes == [("optout", "operator", "asked on the phone"), ("optout", "operator", "by hand"), ("lift", "operator", "by hand")]
    assert [entry["change"] for entry in log_of(store, "ann@xn--bcher-kva.example")] == ["optout", "optout", "lift"]


def test_optout_until_a_day(store):
    year = time.gmtime().tm_year + 1
    assert printed(store, "optout", "--until", f"{year}-02-03", "ann@dest.test").endswith(f"until {year}-02-03T00:00:00Z (manual)\n")


def test_allow_and_disallow(store):
    printed(store, "allow", "--for", "30d", "--why", "key account", "ann@dest.test", "@Dest.Test")
    for key in ("lead:{ann@dest.test}:allow", "domain:{dest.test}:allow"):
        assert store.redis.call("GET", key) == "key account"
        assert 2591990 < store.redis.call("TTL", key) <= 2592000
    printed(store, "allow", "ann@dest.test")
    assert store.redis.call("TTL", "lead:{ann@dest.test}:allow") == -1
    out = printed(store, "disallow", "ann@dest.test", "@dest.test", "ben@dest.test")
    assert out.splitlines() == ["ann@dest.test: no longer whitelisted", "@dest.test: no longer whitelisted", "ben@dest.test: was not whitelisted"]
    assert store.redis.client.keys("*:allow") == []
    assert [entry["change"] for entry in log_of(store, "ann@dest.test")] == ["allow", "allow", "disallow"]
    assert [(entry["lead"], entry["change"]) for entry in journal(store)] == [
        ("ann@dest.test", "allow"), ("@dest.test", "allow"), ("ann@dest.test", "allow"),
        ("ann@dest.test", "disallow"), ("@dest.test", "disallow"),
    ]
    # Nothing but the log is left: no mark that the journal is still to be written.
    assert store.redis.client.keys("lead:*") == ["lead:{ann@dest.test}:log"]


def test_forget(store):
    store.redis.call("HSET", "lead:{ann@dest.test}:refused", "*", "cause=complaint")
    store.redis.call("SET", "lead:{ann@dest.test}:allow", "")
    printed(store, "optout", "ann@dest.test")
    assert printed(store, "forget", "ann@dest.test", "ben@dest.test").splitlines() == ["ann@dest.test: forgotten", "ben@dest.test: nothing was known"]
    assert store.redis.client.keys("lead:*") == []
    assert [entry["change"] for entry in journal(store)] == ["optout", "forget"]


def test_a_change_that_was_not_journalled_comes_first(store):
    """Somebody died between the commit and the journal; the next deed catches up."""
    printed(store, "optout", "ann@dest.test")
    entry = store.redis.call("XRANGE", "lead:{ann@dest.test}:log", "-", "+")[0][0]
    for command in ("allow", "forget"):
        store.redis.call("DEL", "leadgate:journal")
        store.redis.call("HSET", "lead:{ann@dest.test}", "journal", entry)
        printed(store, command, "ann@dest.test")
        assert [entry["change"] for entry in journal(store)] == ["optout", command]


def test_addresses_from_standard_input(store):
    status, out, err = leadgate(store, "optout", "-", stdin="ann@dest.test\n\nbroken@\r\nben@dest.test\r\n" * 100)
    assert status == 1
    assert len(out.splitlines()) == 200 and len(err.splitlines()) == 100
    assert err.startswith("leadgate: line 3: ")
    # What list prints can be given to flush.
    listed = [row[0] for row in rows(printed(store, "list"))]
    assert listed == ["ann@dest.test", "ben@dest.test"]
    printed(store, "flush", "-", stdin="\n".join(listed))
    assert printed(store, "list") == ""


def test_odd_keys_do_not_stop_a_deed(store):
    store.redis.call("SET", "lead:{ann@dest.test}", "what is this?")
    store.redis.call("SET", "lead:{ann@dest.test}:log", "and this?")
    printed(store, "allow", "ann@dest.test")
    assert store.redis.call("GET", "lead:{ann@dest.test}:odd") == "what is this?"
    assert "whitelisted" in printed(store, "why", "ann@dest.test")


# -- show and why


def test_show_says_what_the_next_bounce_would_do(store):
    lines = printed(store, "show", "ann@dest.test").splitlines()
    assert "history       none" in lines
    assert lines[-2:] == ["the next `mailbox-full` would be strike 1 of 2", "the next `user-unknown` would be strike 1 of 1: opted out for good"]
    now = int(time.time())
    store.redis.call("HSET", "lead:{ann@dest.test}", "cause", "mailbox-full", "strikes", 1, "cycle", 1, "series", now - 700000,
                     "since", now - 700000, "until", now - 400000, "bounced", now - 86400, "struck", now - 86400, "seen", now - 900000,
                     "status", "5.2.2", "diag", "mailbox full", "score", "-1", "scored", now)
    out = printed(store, "show", "ann@dest.test")
    assert "the next `mailbox-full` would be strike 2 of 2: opted out for 6 d\n" in out
    assert "strikes       1 of mailbox-full; last: 5.2.2 mailbox full\n" in out
    assert "score         -1 of -10..10\n" in out
    store.redis.call("HSET", "lead:{ann@dest.test}", "engaged", now - 86400)
    assert "`user-unknown` would be strike 1 of 1: opted out for 2 d, in doubt\n" in printed(store, "show", "ann@dest.test")
    store.redis.call("SET", "lead:{ann@dest.test}:allow", "key\naccount")
    out = printed(store, "show", "ann@dest.test")
    assert "whitelisted   for good: key?account\n" in out and out.count("would be no strike: whitelisted\n") == 2
    # Asking changes nothing.
    assert store.redis.client.hash("lead:{ann@dest.test}")["strikes"] == "1"


def test_show_tells_what_was_said_last(store):
    """A deferral's words stand behind the deferral, a bounce's behind its strikes, whichever is later."""
    store.next_second()  # by the program's clock, too: two hours less a second are 120 minutes
    now = int(time.time())
    lead = ("HSET", "lead:{ann@dest.test}", "bounced", now - 90000, "cause", "mailbox-full", "strikes", 1, "seen", now - 900000,
            "noticed", now - 7200, "provider", "mail.example", "status", "4.2.2", "diag", "try again later")
    store.redis.call(*lead, "deferred", now - 3900)
    lines = printed(store, "show", "ann@dest.test").splitlines()
    (deferred,) = [line for line in lines if line.startswith("deferred ")]
    assert deferred.endswith(" 65 min ago; last: 4.2.2 try again later")
    assert "strikes       1 of mailbox-full" in lines and "provider      mail.example" in lines
    assert [line.endswith(", 2 h ago") for line in lines if line.startswith("noticed ")] == [True]
    store.redis.call(*lead, "deferred", now - 100000)
    lines = printed(store, "show", "ann@dest.test").splitlines()
    assert "strikes       1 of mailbox-full; last: 4.2.2 try again later" in lines
    assert [line.endswith(" ago") for line in lines if line.startswith("deferred ")] == [True]
    # Never bounced: there are no strikes, but what was said is told.
    store.redis.call("HDEL", "lead:{ann@dest.test}", "bounced")
    assert "; last: 4.2.2 try again later\n" in printed(store, "show", "ann@dest.test")


def test_show_and_why_of_a_suppressed_lead(store):
    printed(store, "optout", "--for", "10d", "--why", "she \x1b[31mcalled", "ann@dest.test")
    store.redis.call("HSET", "lead:{ann@dest.test}:refused", "news", "cause=complaint since=2026-01-01T00:00:00Z")
    out = printed(store, "show", "ann@dest.test")
    assert "10 d left, for manual, since " in out
    assert "refused       news (complaint, since 2026-01-01T00:00:00Z)\n" in out
    assert out.count("would be no strike: she is opted out\n") == 2
    printed(store, "optout", "ann@dest.test")
    out = printed(store, "why", "ann@dest.test")
    assert "now: opted out for good, cause manual\n" in out and "now: refused, cause complaint, stream news\n" in out
    assert out.index("opted out for good, cause manual\n    by operator") < out.index("evidence: she ?[31mcalled")
    assert "before: kind=temporary cause=manual" in out


# -- listings


def fill(store):
    optout(store, "ann@dest.test")
    optout(store, "ben@dest.test", "cause=mailbox-full", seconds=86400)
    optout(store, "cat@other.test", "cause=mailbox-full", seconds=8640000)
    store.redis.call("LPUSH", "lead:{dan@other.test}:optout", "an odd one")
    store.redis.call("HSET", "lead:{eve@dest.test}:refused", "news", "cause=unsubscribe", "*", "cause=complaint")
    store.redis.call("SET", "lead:{fay@dest.test}:allow", "a, \"b\"")
    store.redis.call("SET", "domain:{other.test}:allow", "ours", "EX", 1000)
    store.redis.call("HSET", "lead:{gus@dest.test}", "strikes", 1)


WANTED = {
    (): ["ann", "ben", "cat", "dan"],
    ("--temporary",): ["ben", "cat"],
    ("--permanent",): ["ann", "dan"],
    ("--temporary", "--permanent"): ["ann", "ben", "cat", "dan"],
    ("--cause", "mailbox-full"): ["ben", "cat"],
    ("--cause", "manual"): ["dan"],
    ("--cause", "complaint"): ["eve"],
    ("--domain", "Other.Test"): ["cat", "dan"],
    ("--until", "2d"): ["ben"],
    ("--refused",): ["eve", "eve"],
    ("--allowed",): ["@other.test", "fay"],
    ("--temporary", "--refused", "--allowed"): ["@other.test", "ben", "cat", "eve", "eve", "fay"],
}


@pytest.mark.parametrize("arguments", WANTED, ids=" ".join)
def test_list(store, arguments):
    fill(store)
    got = [row[0] for row in rows(printed(store, "list", *arguments))]
    assert [name if name[0] == "@" else name.split("@")[0] for name in got] == WANTED[arguments]


def test_list_formats(store):
    fill(store)
    table = [json.loads(line) for line in printed(store, "list", "--temporary", "--refused", "--allowed", "--format", "json").splitlines()]
    assert {row["kind"] for row in table} == {"temporary", "refused", "allowed"}
    assert {"address": "fay@dest.test", "kind": "allowed", "text": 'a, "b"'} in table
    lines = printed(store, "list", "--allowed", "--format", "csv").splitlines()
    assert lines[0] == "address,kind,cause,since,until,stream,status,text"
    assert 'fay@dest.test,allowed,,,,,,"a, ""b"""' in lines


def test_no_byte_of_a_key_reaches_the_terminal(store):
    optout(store, "a\x1b]0;x\x07\nb\u202e\x9b@dest.test", "free \x1b text")
    store.redis.call("SET", b"lead:{\xff@dest.test}:optout", "")
    for form in ("text", "csv"):
        out = printed(store, "list", "--format", form)
        assert out.replace("\n", "").replace("\t", "").isprintable() and len(out.splitlines()) == (2 if form == "text" else 3)
    assert len([json.loads(line) for line in printed(store, "list", "--format", "json").splitlines()]) == 2


def test_a_reader_that_goes_away(store):
    for i in range(20000):
        optout(store, f"lead{i}@dest.test")
    script = f"{store.bin}/leadgate list -c {store.config_path} | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, timeout=60, env=store.environ, encoding="utf-8")
    assert done.stderr == "" and len(done.stdout.splitlines()) == 2


def test_stats(store):
    fill(store)
    counts = {(row["kind"], row.get("cause")): row["count"] for row in map(json.loads, printed(store, "stats", "--format", "json").splitlines())}
    assert counts[("temporary", "mailbox-full")] == 2 and counts[("temporary", None)] == 2
    assert counts[("permanent", None)] == 2 and counts[("allowed", None)] == 2
    assert counts[("refused", "complaint")] == counts[("refused", "unsubscribe")] == counts[("refused", None)] == 1
    assert "mailbox-full" in printed(store, "stats")


@pytest.mark.parametrize("command, to, has_bar", [
    ("stats", "terminal", True), ("stats", "file", True), ("stats", "pipe", False),
    ("list", "terminal", False), ("list", "file", True), ("list", "pipe", False),
])
def test_a_bar_on_a_terminal_only(store, tmp_path, command, to, has_bar):
    store.redis.call("EVAL", "for i = 1, 200000 do redis.call('SET', 'lead:{' .. i .. '@dest.test}:optout', '') end", 0)
    ours, theirs = pty.openpty()
    line = f"{store.bin}/leadgate {command} -c {store.config_path}" + {"terminal": "", "file": f" > {tmp_path}/out", "pipe": " | cat"}[to]
    with subprocess.Popen(["sh", "-c", line], stdout=theirs, stderr=theirs, env={**store.environ, "TERM": "vt100"}) as child:
        os.close(theirs)
        shown = drain(ours)
    assert child.returncode == 0
    assert (b"keys: [" in shown) == (b"\r\x1b[K" in shown) == has_bar


def drain(terminal):
    """All that is written to it, until nobody has it open any more."""
    shown = b""
    with os.fdopen(terminal, "rb", buffering=0) as file:
        while True:
            try:
                shown += file.read(65536)
            except OSError:  # EIO: the other side is closed
                return shown


# -- lists of other systems

MAILED = """\ufeff"Email Address";"Reason";"Created At"\r
"Ann@Dest.Test";"Hard Bounce";"2024-01-01 10:00:00"\r
ben@dest.test;unsubscribe;\r
"open;x\r
cat@dest.test;Spam Complaint;2024-05-05\r
bad;bounce;\r
dan@dest.test;soft bounce;2024-01-01\r
eve@dest.test;"550 5.2.2 mailbox full";\r
fay@dest.test;whatever;yesterday\r
gus@dest.test;550 5.7.1 your IP has poor reputation;\r
"""


def test_import(store, tmp_path):
    path = tmp_path / "list.csv"
    path.write_text(MAILED, encoding="utf-8", newline="")
    status, out, err = leadgate(store, "import", "--dry-run", str(path))
    assert status == 1 and "nothing was changed" in out and store.redis.client.keys() == []
    status, out, err = leadgate(store, "import", str(path))
    assert status == 1
    assert [line.split(":")[1] for line in err.splitlines()] == [" line 4", " line 6"]
    assert out.startswith("9 rows read, 2 bad\n")
    assert {row[0]: row[1:] for row in rows(printed(store, "list", "--refused", "--permanent"))} == {
        "ann@dest.test": ["permanent", "-", "user-unknown"],
        "ben@dest.test": ["refused", "-", "unsubscribe", "*"],
        "cat@dest.test": ["refused", "-", "complaint", "*"],
        "fay@dest.test": ["permanent", "-", "suppressed"],
    }
    # A soft reason is the first suspension, from its date: dan's is long over.
    assert [row[0] for row in rows(printed(store, "list", "--temporary"))] == ["eve@dest.test"]
    assert log_of(store, "ann@dest.test")[0]["at"] == "2024-01-01T10:00:00Z"
    before = values(store)
    assert "0 changed" in leadgate(store, "import", str(path))[1]
    assert values(store) == before


def test_import_of_plain_lists(store):
    out = printed(store, "import", "--reason", "unsubscribe", "-", stdin="ann@dest.test\nben@dest.test\n")
    assert "2 changed" in out
    assert [row[:2] for row in rows(printed(store, "list", "--refused"))] == [["ann@dest.test", "refused"], ["ben@dest.test", "refused"]]
    out = printed(store, "import", "-", stdin="address,created_at\ncat@dest.test,\"Fri, 21 Oct 2011 11:02:55 GMT\"\n")
    assert "suppressed" in out
    assert log_of(store, "cat@dest.test")[0]["at"] == "2011-10-21T11:02:55Z"


def test_export_is_what_import_reads(store):
    """Also opt-outs of which a list of another system would say less: a permanent one for a soft cause."""
    printed(store, "import", "-", stdin=(
        "address,kind,cause,since,until,stream\n"
        "ann@dest.test,permanent,mailbox-full,2026-01-01T00:00:00Z,,\n"
        "ben@dest.test,temporary,user-unknown,2026-01-01T00:00:00Z,2036-01-01T00:00:00Z,\n"
        "cat@dest.test,refused,complaint,2026-01-01T00:00:00Z,,news\n"
        "john doe@dest.test,permanent,manual,2026-01-01T00:00:00Z,,\n"))
    exported = printed(store, "export")
    assert len(exported.splitlines()) == 5
    store.redis.call("FLUSHALL")
    printed(store, "import", "-", stdin=exported)
    assert sorted(printed(store, "export").splitlines()) == sorted(exported.splitlines())


# -- check


def test_check(store, tmp_path):
    optout(store, "dead@dest.test")
    optout(store, "full@dest.test", "cause=mailbox-full", seconds=86400)
    store.redis.call("HSET", "lead:{no@dest.test}:refused", "*", "cause=unsubscribe")
    store.redis.call("SET", "domain:{held.test}:hold", "")
    path = tmp_path / "list"
    path.write_text("ann@dest.test\nANN@dest.test.\ndead@dest.test\nfull@dest.test\nno@dest.test\ninfo@held.test\nx@gmial.com\nbroken@\n"
                    + "".join(f"lead{i}@dest.test\n" for i in range(20)))
    before = values(store)
    status, out, err = leadgate(store, "check", str(path))
    assert (status, err) == (0, "")
    findings = [line for line in out.splitlines() if line.startswith("line ")]
    assert findings[0] == "line 2: ann@dest.test: duplicate"
    assert findings[1] == "line 3: dead@dest.test: opted-out: permanent, user-unknown"
    assert findings[2].startswith("line 4: full@dest.test: opted-out: until ") and findings[2].endswith(", mailbox-full")
    assert findings[3:7] == ["line 5: no@dest.test: refused: unsubscribe", "line 6: info@held.test: role",
                             "line 6: info@held.test: hold", "line 7: x@gmial.com: typo: gmail.com"]
    assert findings[7].startswith("line 8: syntax: ") and len(findings) == 8
    assert "28 rows, 27 different recipients" in out and out.endswith("the list is fit\n")
    assert values(store) == before


def test_check_limit(store):
    """Two dead in ten: one known, one of bad syntax."""
    optout(store, "lead0@dest.test")
    listed = "".join(f"lead{i}@dest.test\n" for i in range(9)) + "a..b@dest.test\n"
    for limit, want in (("20%", 0), ("19.999", 1), ("0", 1), ("100%", 0)):
        assert leadgate(store, "check", "--limit", limit, "-", stdin=listed)[0] == want
    assert leadgate(store, "check", "--limit", "101%", "-", stdin=listed)[0] == 64


def test_check_judges_each_provider(store):
    """Dead addresses of one provider do not hide among many others."""
    for i in range(10):
        optout(store, f"lead{i}@bad.test", "cause=domain-unknown")
    listed = "".join(f"lead{i}@bad.test\n" for i in range(50)) + "".join(f"lead{i}@good.test\n" for i in range(500))
    status, out, _ = leadgate(store, "check", "--format", "json", "--summary", "-", stdin=listed)
    summary = json.loads(out)["summary"]
    assert status == 1 and summary["fit"] is False and summary["invalid"] == 10
    assert summary["providers"][0] == {"provider": "bad.test", "recipients": 50, "invalid": 10}
    assert leadgate(store, "check", "--floor", "51", "-", stdin=listed)[0] == 0


def test_check_reads_a_column(store):
    listed = "Name;Work Mail;Mail\nAnn;ann@dest.test;x\nBen;ben@;y\n"
    status, out, err = leadgate(store, "check", "--column", "work mail", "--format", "csv", "-", stdin=listed)
    assert status == 1 and "1 different" not in err and "2 rows, 2 different recipients" in err
    assert out.splitlines()[0] == "line,address,finding,detail" and out.splitlines()[1].startswith("3,,syntax,")
    assert leadgate(store, "check", "--column", "nothing", "-", stdin=listed)[0] == 66


# -- how it ends

EVERY = {
    "show": ["ann@dest.test"], "why": ["ann@dest.test"], "list": [], "stats": [], "optout": ["ann@dest.test"], "flush": ["ann@dest.test"],
    "allow": ["@dest.test"], "disallow": ["ann@dest.test"], "forget": ["ann@dest.test"], "import": ["-"], "export": [], "check": ["-"],
}


@pytest.mark.parametrize("command", EVERY)
def test_exit_status(store, command, tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text("redis: {adress: x}\n")
    away = tmp_path / "away.yaml"
    away.write_text(f"redis: {{address: 'unix:{tmp_path}/none'}}\n")
    assert leadgate(store, command, "--help")[0] == 0
    assert leadgate(store, command, "--nonsense")[0] == 64
    status, out, err = leadgate(store, command, *EVERY[command], config=str(broken), stdin="ann@dest.test\n")
    assert (status, out) == (78, "") and f"{broken}:1:" in err
    status, out, err = leadgate(store, command, *EVERY[command], config=str(away), stdin="ann@dest.test\n")
    assert status == 75 and err.startswith("leadgate: cannot connect to Redis")


@pytest.mark.parametrize("arguments", [
    ("show",), ("show", "no address@"), ("why", "a@b.test", "c@d.test"), ("optout",), ("optout", "--for", "7", "a@b.test"),
    ("optout", "--until", "1999-01-01", "a@b.test"), ("optout", "--for", "1d", "--until", "1d", "a@b.test"), ("list", "x"),
    ("list", "--cause", "bad-luck"), ("list", "--format", "xml"), ("list", "--until", "soon"), ("list", "--domain", "a b"),
    ("export", "--format", "text"), ("import",), ("import", "--reason", "because", "-"), ("check",), ("check", "--floor", "0", "-"),
], ids=" ".join)
def test_wrong_arguments(store, arguments):
    status, out, err = leadgate(store, *arguments)
    assert (status, out) == (64, "") and err
    assert store.redis.client.keys() == []
