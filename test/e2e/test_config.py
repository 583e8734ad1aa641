# SPDX-License-Identifier: BSD-2-Clause
"""Settings that cannot be: each program says file:line:column, what was found and what is allowed, and exits 78."""

import os
import re

import pytest

PROGRAMS = ["leadgate-policyd", "leadgate-milter", "leadgate-feed"]

BROKEN = {  # what config.yaml says -> line, column, and a word of the message
    "broken YAML": ("redis:\n  timeout: [1s\n", None, None, ""),
    "a tab": ("redis:\n\ttimeout: 1s\n", 2, None, ""),
    "unknown key": ("redis:\n  timeout: 1s\n  colour: blue\n", 3, 3, "colour"),
    "unknown section": ("sky: blue\n", 1, 1, "sky"),
    "twice": ("redis:\n  timeout: 1s\n  timeout: 2s\n", 3, 3, "timeout"),
    "wrong type": ("redis:\n  timeout: [1s]\n", 2, 12, "timeout"),
    "no duration": ("redis:\n  timeout: soon\n", 2, 12, "soon"),
    "no unit": ("redis:\n  timeout: 5\n", 2, 12, "5"),
    "out of range": ("redis:\n  timeout: 300d\n", 2, 12, "300d"),
    "no such word": ("policy:\n  enforce: maybe\n", 2, 12, "observe"),
    "no endpoint": ("redis:\n  address: tcp://localhost\n", 2, 12, "unix:"),
    "no reply code": ("policy:\n  reply:\n    permanent: go away\n", 3, 16, "go away"),
    "no such secret": ("redis:\n  password_file: /nonexistent/secret\n", 2, 18, "/nonexistent/secret"),
    "a list as a file": ("- a\n- b\n", 1, 1, ""),
}


def run(bed, program, text, name="broken.yaml"):
    path = os.path.join(bed.dir, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    process = bed.program(program, "-c", path).start()
    return path, process.wait(10), process.text()


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_broken(store, broken):
    text, line, column, word = broken
    path, status, said = run(store, "leadgate-policyd", text)
    assert status == 78
    where = re.search(re.escape(path) + r":(\d+):(\d+): ", said)
    assert where, said
    assert line is None or int(where[1]) == line, said
    assert column is None or int(where[2]) == column, said
    assert word in said


@pytest.mark.parametrize("program", PROGRAMS)
def test_every_program(store, program):
    path, status, said = run(store, program, "redis:\n  colour: blue\n")
    assert status == 78 and f"{path}:2:3: " in said


@pytest.mark.parametrize("program", PROGRAMS)
def test_file_that_is_not_there(store, program):
    process = store.program(program, "-c", "/nonexistent/config.yaml").start()
    assert process.wait(10) == 78 and "/nonexistent/config.yaml" in process.text()


def test_secret_that_others_can_read(store):
    secret = os.path.join(store.dir, "secret")
    with open(secret, "w", encoding="utf-8") as file:
        file.write("hush\n")
    os.chown(secret, store.user.pw_uid, store.user.pw_gid)
    os.chmod(secret, 0o644)
    text = f"redis:\n  password_file: {secret}\n"
    path, status, said = run(store, "leadgate-policyd", text)
    assert status == 78 and f"{path}:2:" in said and secret in said and "hush" not in said
    os.chmod(secret, 0o400)
    os.chown(secret, 0, 0)
    _, status, said = run(store, "leadgate-policyd", text)
    assert status == 78 and secret in said


def test_secret_in_use(store):
    """A password out of a file, as Redis demands it."""
    secret = os.path.join(store.dir, "secret")
    with open(secret, "w", encoding="utf-8") as file:
        file.write("hush\n")
    os.chown(secret, store.user.pw_uid, store.user.pw_gid)
    os.chmod(secret, 0o400)
    store.redis.call("CONFIG", "SET", "requirepass", "hush")
    try:
        store.configure(redis={"password_file": secret})
        feed = store.start_feed()
        assert "NOAUTH" not in feed.text() and "hush" not in feed.text()
    finally:
        store.redis.call("CONFIG", "SET", "requirepass", "")


@pytest.mark.parametrize("program", PROGRAMS)
def test_good_settings(store, program):
    process = store.program(program, "-c", store.config_path, "--test").start()
    assert process.wait(10) == 0


@pytest.mark.parametrize("program", PROGRAMS)
def test_wrong_arguments(store, program):
    process = store.program(program, "--no-such-option").start()
    assert process.wait(10) == 64


def test_eviction_is_warned_of(store):
    """A Redis that may throw keys away forgets opt-outs."""
    store.redis.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    try:
        feed = store.start_feed()
        store.wait(lambda: "maxmemory-policy" in feed.text(), "the warning")
    finally:
        store.redis.call("CONFIG", "SET", "maxmemory-policy", "noeviction")
