# SPDX-License-Identifier: BSD-2-Clause
"""contrib/tracking/nginx-pixel: what nginx logs of a pixel and of redirects, hostile lines among it, on its way to a lead."""

import os
import subprocess
import threading

import pytest

PIXEL = os.path.join(os.path.dirname(__file__), "..", "..", "contrib", "tracking", "nginx-pixel")
EVENTS = "leadgate:events"

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:120.0) Gecko/20100101 Firefox/120.0"
ANN = "/o/k3J9.gif?l=ann%40example.com"


def line(uri=ANN, agent=FIREFOX, status=200, method="GET", at="1795341185.123"):
    """As nginx writes it, by the log_format of the README; uri and agent as they stand in the log."""
    return f'{at} 203.0.113.9 {status} {method} "{uri}" "{agent}"\n'


def run(bed, log, *arguments, timeout=30):
    """Exit status, standard output, standard error."""
    argv = [PIXEL, "--redis", f"unix:{bed.redis.path}", *arguments]
    done = subprocess.run(argv, input=log.encode(), capture_output=True, timeout=timeout, check=False)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def events(bed):
    """[{field: value}]"""
    return [dict(zip(fields[::2], fields[1::2])) for _, fields in bed.redis.call("XRANGE", EVENTS, "-", "+")]


READ = {  # a line -> the event
    "an open": (line(), {"type": "open", "lead": "ann@example.com", "at": "1795341185123"}),
    "a click": (line("/c/x?l=ann%40example.com&u=http%3A%2F%2Fx", status=302), {"type": "click", "lead": "ann@example.com", "at": "1795341185123"}),
    "a campaign": (line(ANN + "&c=autumn+2026%21"), {"type": "open", "lead": "ann@example.com", "at": "1795341185123", "campaign": "autumn 2026!"}),
    "not modified": (line(status=304), {"type": "open"}),
    "a plus": (line("/o/x?l=ann+news@example.com"), {"lead": "ann+news@example.com"}),
    "an encoded plus": (line("/o/x?l=ann%2Bnews%40example.com"), {"lead": "ann+news@example.com"}),
    "UTF-8": (line("/o/x?l=ann%40b%C3%BCcher.example"), {"lead": "ann@bücher.example"}),
    "UTF-8 as it is": (line(r"/o/x?l=ann@b\xC3\xBCcher.example"), {"lead": "ann@bücher.example"}),
    "quotes": (line("/o/x?l=%22a%20b%22%40example.com&c=%22%5C"), {"lead": '"a b"@example.com', "campaign": '"\\'}),
    "quotes as they are": (line(r"/o/x?l=\x22a b\x22@example.com&c=\x22\x5C"), {"lead": '"a b"@example.com', "campaign": '"\\'}),
    "a line end in the campaign": (line("/o/x?l=ann%40example.com&c=a%0D%0Aopen"), {"lead": "ann@example.com", "campaign": "aopen"}),
    "bytes in the campaign": (line("/o/x?l=ann%40example.com&c=%FF"), {"campaign": "\ufffd"}),
    "a parameter twice": (line(ANN + "&l=eve%40example.com"), {"lead": "ann@example.com"}),
    "a parameter twice, as nginx sees it": (line("/o/x?L=ann%40example.com&l=eve%40example.com"), {"lead": "ann@example.com"}),
    "a fragment": (line("/o/x?c=x#&l=eve%40example.com&l=a"), None),
    "words that are options": (line("/o/x?l=ann%40example.com&c=MAXLEN"), {"campaign": "MAXLEN"}),
    "no lead": (line("/o/x"), None),
    "no address": (line("/o/x?l=ann"), None),
    "half an address": (line("/o/x?l=%40example.com"), None),
    "a line end in the lead": (line("/o/x?l=ann%0A%40example.com"), None),
    "a NUL in the lead": (line("/o/x?l=ann%00%40example.com"), None),
    "no UTF-8": (line("/o/x?l=b%FCro%40example.com"), None),
    "a long lead": (line("/o/x?l=" + "a" * 400 + "%40example.com"), None),
    "refused": (line(status=403), None),
    "not found": (line("/c/x?l=ann%40example.com", status=404), None),
    "an open that is a redirect": (line(status=302), None),
    "another method": (line(method="POST"), None),
    "another path": (line("/favicon.ico?l=ann%40example.com"), None),
    "another format": ('203.0.113.9 - - [22/Nov/2026:09:53:05 +0000] "GET ' + ANN + ' HTTP/1.1" 200 43 "-" "x"\n', None),
    "a forged line": (line(ANN.replace("ann", "eve") + '" "x"\n' + line(), status=403), {"lead": "ann@example.com"}),
    "an empty line": ("\n", None),
    "noise": ("\x00\x01\x7f \"\"\" *3\r\n$4\r\nXADD\r\n", None),
    "a cut line": (line()[:60], None),
    "a line without an end": (line().rstrip("\n"), {"type": "open"}),
    "DOS line ends": (line().replace("\n", "\r\n"), {"type": "open"}),
    "a line that never ends": ("x" * 300000 + "\n" + line(), {"type": "open"}),
}


@pytest.mark.parametrize("what", READ)
def test_lines(store, what):
    log, expected = READ[what]
    status, _, said = run(store, log)
    assert status == 0 and "Traceback" not in said
    found = events(store) if expected else store.redis.client.keys()
    if expected is None:
        assert found == []
    else:
        assert len(found) == 1
        assert {name: found[0].get(name) for name in expected} == expected


AGENTS = {  # user agent -> who it is
    FIREFOX: "open",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148": "open",
    "Mozilla/5.0 (Linux; Android 9; CUBOT NOTE 20) AppleWebKit/537.36 Chrome/119.0 Mobile Safari/537.36": "open",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)": "open",
    "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html": "open",
    "Mozilla/5.0": "machine-open",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0": "machine-open",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)": "machine-open",
    "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/119.0 Safari/537.36": "machine-open",
    "Barracuda Sentinel (EE)": "machine-open",
    "curl/8.4.0": "machine-open",
    "python-requests/2.31.0": "machine-open",
    "-": "machine-open",
    "": "machine-open",
}


def test_who_it_was(store):
    log = "".join(line(f"/o/x?l={i}%40example.com", agent) for i, agent in enumerate(AGENTS))
    log += line("/o/x?l=head%40example.com", method="HEAD")
    log += line("/c/x?l=click%40example.com", "curl/8.4.0", 302)
    assert run(store, log)[0] == 0
    assert [event["type"] for event in events(store)] == [*AGENTS.values(), "machine-open", "machine-open"]


def test_to_the_lead(store):
    """From the log to the lead: she opened, and twice is once."""
    store.configure(feed={"maildirs": []})
    store.redis.call("SET", "lead:{ann@example.com}:optout", "cause=mailbox-full", "EX", 3600)
    log = line(at="1795341185.500") + line("/o/x?l=bob%40example.com", "Mozilla/5.0")
    for _ in range(2):
        assert run(store, log)[2] == "nginx-pixel: lines=2 events=2\n"
        assert store.program("leadgate-feed", "-c", store.config_path, "--once").start().wait(10) == 0
        assert store.redis.client.keys("lead:*") == ["lead:{ann@example.com}", "lead:{ann@example.com}:log"]
        assert store.redis.client.hash("lead:{ann@example.com}")["engaged"] == "1795341185"
        assert store.redis.client.hash("lead:{ann@example.com}")["score"] == "1"


def test_printed_for_redis_cli(store):
    """--print | redis-cli adds the same as going there directly."""
    log = "".join(text for text, _ in READ.values())
    assert run(store, log)[0] == 0
    directly = events(store)
    store.redis.call("FLUSHALL")
    status, commands, _ = run(store, log, "--print")
    assert status == 0 and store.redis.client.keys() == []
    subprocess.run(["redis-cli", "-s", store.redis.path], input=commands.encode(), check=True, stdout=subprocess.DEVNULL)
    assert events(store) == directly and len(directly) > 15


def test_as_they_come(store):
    """A line is an event when it is written, not when the log ends; while Redis is away it waits, and nothing is dropped."""
    argv = [PIXEL, "--redis", f"unix:{store.redis.path}"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stderr=subprocess.PIPE) as pixel:
        def write(text):
            pixel.stdin.write(text.encode())
            pixel.stdin.flush()

        write(line()[:50])
        write(line()[50:])
        store.wait(lambda: store.redis.call("XLEN", EVENTS) == 1, "the first event")
        store.redis.stop()
        writer = threading.Thread(target=write, args=("".join(line(f"/o/x?l={i}%40example.com") for i in range(5000)),))
        writer.start()
        assert b"trying again" in pixel.stderr.readline()
        store.redis.start()
        store.wait(lambda: store.redis.call("XLEN", EVENTS) == 5001, "all events")
        writer.join()
        assert b"taken again" in pixel.stderr.readline()
        pixel.stdin.close()
        assert pixel.wait(10) == 0
    assert len({event["lead"] for event in events(store)}) == 5001


def test_login_and_database(store):
    """A Redis user that may report and nothing else, and a database of its own."""
    secret = os.path.join(store.dir, "tracking-secret")
    with open(secret, "w", encoding="utf-8") as file:
        file.write("hush\n")
    store.redis.call("ACL", "SETUSER", "pixel", "on", ">hush", "resetkeys", "%W~leadgate:events", "-@all", "+xadd", "+select")
    try:
        status, _, said = run(store, line(), "--user", "pixel", "--password-file", secret, "--database", "3")
        assert (status, said) == (0, "nginx-pixel: lines=1 events=1\n")
    finally:
        store.redis.call("ACL", "DELUSER", "pixel")
    assert store.redis.client.keys() == []
    store.redis.call("SELECT", 3)
    assert len(events(store)) == 1
    store.redis.call("SELECT", 0)


@pytest.mark.parametrize("arguments, status, word", [
    (["--redis", "localhost"], 64, "unix:/path"),
    (["--nonsense"], 64, "--help"),
    (["--password-file", "/nonexistent"], 66, "/nonexistent"),
])
def test_wrong_arguments(arguments, status, word):
    done = subprocess.run([PIXEL, *arguments], input=b"", capture_output=True, timeout=10, check=False)
    assert done.returncode == status and word in done.stderr.decode() and b"Traceback" not in done.stderr
