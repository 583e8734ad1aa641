# SPDX-License-Identifier: BSD-2-Clause
"""leadgate-feed follows Postfix's log: through rotation, death and a Redis that is away, each line counts once."""

import contextlib
import gzip
import os
import random
import re
import shutil
import subprocess
import threading
import time

import pytest

from bed import make_log
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
