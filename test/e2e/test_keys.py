# SPDX-License-Identifier: BSD-2-Clause
"""leadgate key: a new file, for the right eyes, and no word of what is in it."""

import os
import stat
import subprocess

import pytest

from test_classify import leadgate


def test_key_new(tmp_path):
    path = tmp_path / "key"
    old = os.umask(0o077)
    try:
        done = leadgate("key", "new", "key", cwd=tmp_path)
    finally:
        os.umask(old)
    assert (done.returncode, done.stderr) == (0, b"")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    head, secret = path.read_text().split()
    assert head == "leadgate-key-1" and len(secret) == 52
    # What to do with it, by its absolute path; not what is in it.
    assert f"keys: [ {path} ]" in done.stdout.decode() and secret not in done.stdout.decode()
    again = leadgate("key", "new", str(path))
    assert again.returncode == 73 and again.stdout == b"" and path.read_text().split()[1] == secret
    other = leadgate("key", "new", str(tmp_path / "other"))
    assert other.returncode == 0 and (tmp_path / "other").read_text() != path.read_text()


@pytest.mark.parametrize("arguments, status", [
    (("new",), 64), ((), 64), (("old", "x"), 64), (("new", "a", "b"), 64), (("--help",), 0), (("--no",), 64),
    (("new", "/nowhere/at/all"), 73),
])
def test_arguments(arguments, status):
    done = leadgate("key", *arguments)
    assert done.returncode == status
    assert (done.stdout == b"") == (status != 0) and (done.stderr == b"") == (status == 0)


def test_settings_take_it(tmp_path):
    """It can be named in signing.keys; what others may read cannot."""
    key, config = tmp_path / "key", tmp_path / "config.yaml"
    leadgate("key", "new", str(key))
    config.write_text(f"signing: {{ keys: [ {key} ], authenticity: require }}\n")
    policyd = os.path.join(os.environ.get("LEADGATE_BUILD", "build"), "policy", "leadgate-policyd")
    check = [policyd, "-t", "-c", str(config)]
    assert subprocess.run(check, capture_output=True, timeout=60).returncode == 0
    key.chmod(0o644)
    done = subprocess.run(check, capture_output=True, timeout=60)
    assert done.returncode == 78 and b"signing.keys" in done.stderr and key.read_bytes().split()[1] not in done.stderr
