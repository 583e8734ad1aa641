# SPDX-License-Identifier: BSD-2-Clause
"""leadgate-feed follows Postfix's log: through rotation, death and a Redis that is away, each line counts once."""

import gzip
import os
import random
import re
import shutil
import signal
import threading
import time

import pytest

from bed import Proxy, make_log
from states import assert_same_lifetimes, differences, lifetimes, state

LINES, LEADS, KILLS, BUDGET = 100_000, 3000, 20, 5000
HOUR = 3600


@pytest.fixture
def chance():
    seed = int(os.environ.get("LEADGATE_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"LEADGATE_SEED={seed}")  # shown when the test fails
    return random.Random(seed)


@pytest.fixture
def log(store):
    """A log that is to be followed, in a folder of its own."""
    folder = store.folder("maillog", 0o755)
    for name in os.listdir(folder):
        os.unlink(os.path.join(folder, name))
    path = os.path.join(folder, "mail.log")
    store.configure(feed={"maildirs": [], "logs": [path]})
    return path


def start(store):
    return store.start_program("leadgate-feed")


def place_of(store, log):
    """Where the feed has got to: (offset, head, hash)."""
    for field, text in store.redis.client.hash("leadgate:positions").items():
        if field.endswith(":" + log):
            offset, head, digest = text.split()
            return int(offset), int(head), digest
    return None


def fnv(data):
    digest = 14695981039346656037
    for byte in data:
        digest = (digest ^ byte) * 1099511628211 % (1 << 64)
    return f"{digest:016x}"


def is_read(store, log):
    """The whole of the file that is there now."""
    try:
        with open(log, "rb") as file:
            text = file.read()
    except FileNotFoundError:
        return False
    place = place_of(store, log)
    return place is not None and place[0] == len(text) and place[2] == fnv(text[: place[1]])


def wait_read(store, log, timeout=30):
    store.wait(lambda: is_read(store, log), "the log to be read", timeout)


def events(redis):
    """{lead: its history}, without what keeps the place."""
    return {key: value for key, value in state(redis).items() if key != "leadgate:positions"}


def write(path, lines):
    with open(path, "ab") as file:
        file.writelines(lines)


def read_once(store, path, **more):
    """leadgate-feed --log: its summary as a dict of numbers."""
    log = f"leadgate-feed.{time.monotonic_ns()}.log"
    process = store.program("leadgate-feed", "-c", store.config_path, "--log", path, log=log).start(**more)
    assert process.wait(60) == 0
    return summary(process)


def summary(process):
    (line,) = re.findall(r"^lines=.*$", process.text(), re.M)
    return {name: int(number) for name, number in re.findall(r"(\w+)=(\d+)", line)}


class Writer(threading.Thread):
    """Postfix's side and logrotate's: writes lines, a few at a time, no more of them than it was given leave to, and rotates
    the log now and then, by renaming or by copying, and compresses what is older. Nothing is lost on this side: between the
    copy and the cut nothing is written."""

    def __init__(self, path, lines, chance):
        super().__init__(name="writer", daemon=True)
        self.path, self.lines, self.chance = path, lines, chance
        self.leave = threading.Semaphore(0)
        self.renamed = self.copied = 0
        self.error = None

    def run(self):
        try:
            self.write_all()
        except BaseException as error:  # shown by the test, whose thread is another one
            self.error = error

    def write_all(self):
        file = open(self.path, "ab", buffering=0)
        at = 0
        while at < len(self.lines):
            self.leave.acquire()
            for end in range(at + 50, at + BUDGET + 1, 50):
                file.write(b"".join(self.lines[end - 50 : end]))
                if self.chance.random() < 0.01 and end < min(at + BUDGET, len(self.lines)):
                    file = self.rotate(file)
            at += BUDGET
        file.close()

    def rotate(self, file):
        for n in range(self.renamed + self.copied, 0, -1):
            for name in (f"{self.path}.{n}", f"{self.path}.{n}.gz"):
                if os.path.exists(name):
                    os.rename(name, name.replace(f".{n}", f".{n + 1}"))
        if self.chance.random() < 0.5:
            self.copied += 1
            shutil.copyfile(self.path, f"{self.path}.1")
            file.truncate(0)
        else:
            self.renamed += 1
            os.rename(self.path, f"{self.path}.1")
            self.late = file  # it writes to the old file until it is told
            file = self.reopen(file)
        if os.path.exists(f"{self.path}.3") and self.chance.random() < 0.5:
            self.compress(f"{self.path}.3")
        return file

    def reopen(self, old):
        if self.chance.random() < 0.5:
            time.sleep(self.chance.uniform(0, 0.002))  # logrotate's postrotate comes when it comes
        new = open(self.path, "ab", buffering=0)
        old.close()
        return new

    def compress(self, path):
        """As gzip(1): the time of the last write stays."""
        with open(path, "rb") as plain, gzip.open(path + ".gz", "wb", compresslevel=1) as packed:
            shutil.copyfileobj(plain, packed)
        times = os.stat(path)
        os.utime(path + ".gz", ns=(times.st_atime_ns, times.st_mtime_ns))
        os.unlink(path)


def commits(store):
    """How many events have been committed."""
    found = re.search(r"cmdstat_evalsha:calls=(\d+)", store.redis.call("INFO", "commandstats"))
    return int(found[1]) if found else 0


def test_rotation_death_and_redis_away(store, log, chance):
    """100,000 lines, rotated under load, while the feed is killed twenty times and Redis goes away once, equal one
    undisturbed run over the same lines."""
    lines = make_log(LINES, LEADS, seed=1, start=time.time() - 6 * HOUR, seconds=5 * HOUR)
    whole = os.path.join(store.dir, "whole.log")
    with open(whole, "wb") as file:
        file.writelines(lines)
    calm_read = read_once(store, whole)
    calm, calm_lifetimes = events(store.redis), lifetimes(store.redis)
    assert len([key for key in calm if key.endswith("}")]) > 0.99 * LEADS
    assert calm_read["lines"] == LINES and calm_read["events"] > LINES // 4
    assert len([key for key in calm if key.endswith(":optout")]) > LEADS // 20
    store.redis.call("FLUSHALL")

    # What was rotated away before the feed has ever seen the log is not its business.
    write(log, lines[:50])
    first = start(store)
    wait_read(store, log)
    first.kill()
    writer = Writer(log, lines[50:], chance)
    writer.start()
    interrupted = 0
    for cycle in range(KILLS):
        writer.leave.release()
        feed = start(store)
        if cycle == KILLS // 2:
            redis_goes_away(store, feed)
        enough = commits(store) + chance.randrange(BUDGET // 3)
        store.wait(lambda: commits(store) >= enough or is_read(store, log), f"{enough} commits", 60)
        interrupted += not is_read(store, log)
        feed.kill()
    writer.join(60)
    assert writer.error is None and not writer.is_alive()
    assert writer.renamed > 0 and writer.copied > 0 and interrupted >= KILLS // 2
    start(store)
    wait_read(store, log, 60)
    assert differences(events(store.redis), calm) == []
    again = {key: ttl for key, ttl in lifetimes(store.redis).items() if key != "leadgate:positions"}
    assert_same_lifetimes(again, calm_lifetimes, tolerance=120)


def redis_goes_away(store, feed):
    """Until the feed has said so, and back."""
    store.redis.stop()
    store.wait(lambda: "cannot commit to Redis" in feed.text(), "a word about Redis")
    store.redis.start()
    store.wait(lambda: "Redis takes commits again" in feed.text(), "the feed to go on")


def test_redis_comes_back_with_an_older_copy(store, log):
    """What Redis has forgotten of the log is read again from the place that it remembers."""
    lines = make_log(3000, 200, seed=2, start=time.time() - 2 * HOUR, seconds=HOUR)
    write(log, lines[:1000])
    feed = start(store)
    wait_read(store, log)
    store.redis.call("SAVE")
    write(log, lines[1000:1900])
    wait_read(store, log)
    write(log, lines[1900:2000])
    wait_read(store, log)  # of the place before this one the feed has heard that it was kept
    store.redis.process.kill()
    store.redis.start()
    assert place_of(store, log)[0] == sum(map(len, lines[:1000]))
    write(log, lines[2000:])
    wait_read(store, log)
    assert "starting over" in feed.text()
    found = events(store.redis)
    store.redis.call("FLUSHALL")
    read_once(store, log)
    assert differences(found, events(store.redis)) == []


def test_redis_dies_between_the_events_and_their_place(store, log):
    """It has said that the events are applied, and comes back without them: the place that it has is the right one all
    the same."""
    proxy = Proxy(os.path.join(store.run_dir, "redis"), store.redis.path)
    store.configure(redis={"address": f"unix:{proxy.path}"}, feed={"maildirs": [], "logs": [log]})
    lines = make_log(1000, 100, seed=10, start=time.time() - HOUR, seconds=HOUR)
    write(log, lines[:100])
    feed = start(store)
    wait_read(store, log)
    store.redis.call("SAVE")
    proxy.arm(b"'HSET', KEYS[1], ARGV[1], ARGV[2]", store.redis.process.kill)
    write(log, lines[100:])
    assert proxy.struck.wait(10)
    store.wait(lambda: "cannot commit to Redis" in feed.text(), "a word about Redis")
    store.redis.start()
    wait_read(store, log)
    found = events(store.redis)
    store.redis.call("FLUSHALL")
    read_once(store, log)
    assert differences(found, events(store.redis)) == []
    proxy.close()


def test_several_logs_and_a_reload(store, log):
    """Each log has a place of its own, and keeps it when the settings are loaded again."""
    other = log + ".other"
    lines = make_log(1000, 100, seed=3, start=time.time() - 2 * HOUR, seconds=HOUR)
    write(log, lines[:500])
    feed = start(store)
    wait_read(store, log)
    store.configure(feed={"maildirs": [], "logs": [log, other]})
    feed.signal(1)
    store.wait(lambda: f"{other}: No such file" in feed.text(), "a word about the missing log")
    write(other, [line.replace(b"@dest", b"@other") for line in lines])  # other leads
    wait_read(store, other)
    write(log, lines[500:])
    wait_read(store, log)
    assert feed.text().count("No such file") == 1 and f"log {other} is there" in feed.text()
    feed.stop()
    # Each line was read once, but for those that were only recalled.
    assert sum(int(tally["repeats"]) for tally in feed.lines("tally")) <= 5
    found = events(store.redis)
    store.redis.call("FLUSHALL")
    for path in (log, other):
        read_once(store, path)
    assert differences(found, events(store.redis)) == []


# -- read once


def test_a_file_is_read_once(store, log):
    lines = make_log(2000, 100, seed=4, start=time.time() - 2 * HOUR, seconds=HOUR)
    write(log, lines[:-1] + [lines[-1].rstrip(b"\n")])
    plain = read_once(store, log)
    assert plain["lines"] == 2000 and plain["events"] > 500
    before = events(store.redis)
    with open(log, "rb") as file, gzip.open(log + ".gz", "wb") as packed:
        shutil.copyfileobj(file, packed)
    packed = read_once(store, log + ".gz")
    assert packed == {**plain, "repeats": plain["events"]}
    assert differences(events(store.redis), before) == [] and place_of(store, log) is None


@pytest.mark.parametrize("arguments, status", [
    (("--log", "/nonexistent"), 66),
    (("--log", "/"), 66),
    (("--log", "x", "--once"), 64),
    (("--log", "x", "--mbox", "y"), 64),
])
def test_exit_statuses(store, arguments, status):
    assert store.program("leadgate-feed", "-c", store.config_path, *arguments).start().wait(10) == status


def test_redis_is_away_for_a_file(store, log):
    write(log, make_log(1000, 100, seed=5, start=time.time() - HOUR, seconds=HOUR))
    store.redis.stop()
    process = store.program("leadgate-feed", "-c", store.config_path, "--log", log).start()
    assert process.wait(30) == 75


def test_a_damaged_file(store, log):
    """What can be read of it is applied, and the exit status tells."""
    with gzip.open(log + ".gz", "wb") as packed:
        packed.writelines(make_log(1000, 100, seed=6, start=time.time() - HOUR, seconds=HOUR))
    os.truncate(log + ".gz", os.path.getsize(log + ".gz") // 2)
    process = store.program("leadgate-feed", "-c", store.config_path, "--log", log + ".gz").start()
    assert process.wait(30) == 66
    assert 100 < summary(process)["lines"] < 1000 and events(store.redis)


# -- standard input


@pytest.fixture
def pipe(store):
    """leadgate-feed --log -, and the end of the pipe that rsyslogd or journalctl would hold."""
    reading, writing = os.pipe()
    process = store.program("leadgate-feed", "-c", store.config_path, "--log", "-").start(stdin=reading)
    os.close(reading)
    with os.fdopen(writing, "wb", buffering=0) as end:
        yield process, end


def histories(store):
    return len(store.redis.client.keys("lead:*}"))


def test_a_pipe_is_read_as_it_comes(store, pipe):
    process, end = pipe
    lines = make_log(3000, 100, seed=7, start=time.time() - 2 * HOUR, seconds=HOUR)
    end.write(b"".join(lines[:50]))  # far less than a batch, and no end in sight
    store.wait(lambda: histories(store) > 5, "the first events")
    # A writer that never pauses for long does not keep them waiting for ever, either.
    known = commits(store)
    for line in lines[50:]:
        end.write(line)
        if commits(store) > known + 5:
            break
        time.sleep(0.05)
    else:
        pytest.fail("nothing was applied while lines came")
    end.close()
    assert process.wait(10) == 0


def test_a_pipe_waits_for_redis(store, pipe):
    """The writer is held up; nothing is lost, and it is said once."""
    process, end = pipe
    lines = make_log(20_000, 500, seed=8, start=time.time() - 2 * HOUR, seconds=HOUR)
    store.redis.stop()
    writer = threading.Thread(target=lambda: (end.write(b"".join(lines)), end.close()))
    writer.start()
    store.wait(lambda: "cannot commit to Redis" in process.text(), "a word about Redis")
    assert writer.is_alive()
    store.redis.start()
    assert process.wait(60) == 0
    writer.join()
    assert summary(process)["lines"] == len(lines) and process.text().count("cannot commit to Redis") == 1
    found = events(store.redis)
    store.redis.call("FLUSHALL")
    whole = os.path.join(store.dir, "whole.log")
    with open(whole, "wb") as file:
        file.writelines(lines)
    read_once(store, whole)
    assert differences(found, events(store.redis)) == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_pipe_is_told_to_stop(store, pipe, number):
    """What was read is applied before it ends."""
    process, end = pipe
    lines = make_log(300, 100, seed=9, start=time.time() - HOUR, seconds=HOUR)  # a pipe holds them: they come all at once
    store.redis.stop()
    end.write(b"".join(lines))
    store.wait(lambda: "cannot commit to Redis" in process.text(), "a word about Redis")
    process.signal(number)
    store.redis.start()
    assert process.wait(10) == 0
    assert summary(process)["lines"] == len(lines) and histories(store) > 50


def test_a_pipe_is_told_to_stop_at_once(store, pipe):
    process, end = pipe
    store.redis.stop()
    end.write(b"".join(make_log(500, 100, seed=9, start=time.time() - HOUR, seconds=HOUR)))
    store.wait(lambda: "cannot commit to Redis" in process.text(), "a word about Redis")
    process.signal(signal.SIGTERM)
    store.wait(lambda: process.signal(signal.SIGTERM) or not process.running(), "the program to end")
    assert process.wait() == 75
