# SPDX-License-Identifier: BSD-2-Clause
"""leadgate classify, as scripts use it: columns, exit status, odd files. Needs no Postfix, no Redis and no settings."""

import os
import subprocess

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
MAILS = os.path.join(HERE, "..", "data", "bounce")
BUILD = os.path.abspath(os.environ.get("LEADGATE_BUILD", os.path.join(HERE, "..", "..", "build")))


def leadgate(*arguments, **options):
    return subprocess.run(
        [os.path.join(BUILD, "cli", "leadgate"), *arguments], capture_output=True, timeout=60, **options
    )


def test_tsv_of_every_mail():
    with open(os.path.join(MAILS, "expected.tsv"), "rb") as expected:
        want = expected.read()
    names = sorted(name for name in os.listdir(MAILS) if name.endswith(".eml"))
    done = leadgate("classify", "--tsv", *names, cwd=MAILS)
    assert (done.returncode, done.stderr) == (0, b"")
    got, want = done.stdout.splitlines(), want.splitlines()
    # A row of expected.tsv may leave out columns at its end, where only the result matters.
    assert [g[: len(w)] if g.startswith(w + b"\t") else g for g, w in zip(got, want)] == want
    assert len(got) == len(want)


def test_aligned_form_names_the_file_once():
    done = leadgate("classify", "postfix-mixed-recipients.eml", "vacation.eml", cwd=MAILS)
    lines = done.stdout.decode().splitlines()
    assert done.returncode == 0
    assert [line.split() for line in lines] == [
        ["postfix-mixed-recipients.eml"],
        ["one@post.example", "5.1.1", "user-unknown", "hard", "unknown.predicate"],
        ["three@full.example", "5.2.2", "mailbox-full", "soft", "full.mailbox"],
        ["vacation.eml"],
        ["-", "-", "vacation", "none", "header:auto-submitted"],
    ]


def test_standard_input():
    with open(os.path.join(MAILS, "postfix-expired-full.eml"), "rb") as mail:
        done = leadgate("classify", "--tsv", "-", stdin=mail)
    assert done.stdout == b"-\tmats@full.example\t4.2.2\tmailbox-full\tsoft\tfull.quota\n"


def test_unreadable_files_do_not_stop_the_others(tmp_path):
    (tmp_path / "no-mail").write_bytes(b"hello\n")
    done = leadgate(
        "classify", "--tsv", "missing", "no-mail", ".", os.path.join(MAILS, "vacation.eml"), cwd=tmp_path
    )
    assert done.returncode == 1
    assert done.stdout.count(b"\n") == 1 and b"\tvacation\tnone\t" in done.stdout
    complaints = done.stderr.decode().splitlines()
    assert [line.split(": ")[1] for line in complaints] == ["missing", "no-mail", "."]


def test_file_names_cannot_forge_columns(tmp_path):
    name = "a\tb\nc.eml"
    with open(os.path.join(MAILS, "vacation.eml"), "rb") as mail:
        (tmp_path / name).write_bytes(mail.read())
    done = leadgate("classify", "--tsv", name, cwd=tmp_path)
    assert done.stdout.split(b"\t")[0] == b"a?b?c.eml"
    assert done.stdout.count(b"\n") == 1


@pytest.mark.parametrize(
    "arguments, status",
    [
        (["--help"], 0),
        (["--version"], 0),
        (["classify", "--help"], 0),
        ([], 64),
        (["clasify"], 64),
        (["classify"], 64),
        (["classify", "--tvs", "x"], 64),
    ],
)
def test_usage(arguments, status):
    done = leadgate(*arguments)
    assert done.returncode == status
    assert (done.stdout if status == 0 else done.stderr) != b""
    assert (done.stderr if status == 0 else done.stdout) == b""


@pytest.mark.parametrize("arguments", [["classify", "--tsv", os.path.join(MAILS, "vacation.eml")], ["rules", "list"],
                                       ["simulate"], ["simulate", "--scenario", "incident"]])
def test_full_disk_is_told(arguments):
    with open("/dev/full", "wb") as full:
        done = subprocess.run([os.path.join(BUILD, "cli", "leadgate"), *arguments], stdout=full, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 74 and b"standard output" in done.stderr


RULES = """
rule ours provider spam-block
    match    user unknown
    status   5.1.1
    note     this house says it of what it filters
    example  550 5.1.1 user unknown
"""


def test_explain():
    done = leadgate("classify", "--explain", "postfix-mixed-recipients.eml", cwd=MAILS)
    assert (done.returncode, done.stderr) == (0, b"")
    lines = done.stdout.decode().splitlines()
    assert lines[0] == "postfix-mixed-recipients.eml"
    assert lines[1].strip() == "one@post.example"
    assert any(line.split()[:2] == ["status", "5.1.1"] for line in lines)
    assert any(line.split()[:2] == ["decided", "unknown.predicate:"] for line in lines)
    assert any(line.split()[:2] == ["also", "status:x.1.1:"] for line in lines)


def test_own_rules(tmp_path):
    (tmp_path / "own.rules").write_text(RULES)
    mail = os.path.join(MAILS, "postfix-mixed-recipients.eml")
    done = leadgate("classify", "--tsv", "--rules", "own.rules", mail, cwd=tmp_path)
    assert b"\tone@post.example\t5.1.1\tspam-block\tsoft\tours\n" in done.stdout

    done = leadgate("rules", "test", "own.rules", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, b"1 examples, 0 failed\n")
    (tmp_path / "own.rules").write_text(RULES + "    example  550 5.1.1 mailbox full\n")
    done = leadgate("rules", "test", "own.rules", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.startswith(b"own.rules:7: ours: decided by full.mailbox (mailbox-full) instead")


def test_bad_rules(tmp_path):
    (tmp_path / "own.rules").write_text(RULES + "    match  (\n")
    (tmp_path / "config.yaml").write_text(f"classify:\n  rules: [ {tmp_path}/own.rules ]\n")
    done = leadgate("rules", "test", "own.rules", cwd=tmp_path)
    assert done.returncode == 78
    assert done.stderr.startswith(b"leadgate: own.rules:7: the pattern is wrong")
    done = subprocess.run(
        [os.path.join(BUILD, "feed", "leadgate-feed"), "-t", "-c", tmp_path / "config.yaml"],
        stderr=subprocess.PIPE, timeout=60,
    )
    assert done.returncode == 78
    assert b"/own.rules:7: the pattern is wrong" in done.stderr


def test_shipped_rules():
    done = leadgate("rules", "test")
    assert done.returncode == 0 and done.stdout.endswith(b" 0 failed\n")
    assert leadgate("rules", "list").stdout.count(b"\n") > 200
