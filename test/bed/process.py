# SPDX-License-Identifier: BSD-2-Clause
"""Processes of a bed: started, awaited, stopped and looked after by process id. Nothing here sleeps for luck: whoever
waits says for what and how long, and is told so when it did not happen."""

import os
import re
import signal
import socket
import subprocess
import time


class BedError(AssertionError):
    """The bed, or a program in it, did not do what it had to."""


def wait_until(condition, timeout=10.0, what="it", logs=None, longest=0.05):
    """Returns the first true value of condition(); fails with what it waited for and the words of logs(). longest: the
    pause from one look to the next grows to that."""
    deadline = time.monotonic() + timeout
    pause = 0.002
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise BedError(f"waited {timeout:g} s in vain for {what}" + ("\n" + logs() if logs else ""))
        time.sleep(pause)
        pause = min(pause * 1.5, longest)
    return value


def tail(path, lines=25):
    """The last lines of a log, for messages."""
    try:
        with open(path, encoding="utf-8", errors="replace") as log:
            return "".join(f"    {line}" for line in log.readlines()[-lines:])
    except FileNotFoundError:
        return ""


FIELD = re.compile(r'([A-Za-z_-]+)=("((?:[^"\\]|\\.)*)"|\S*)')


def parse_line(line):
    """`leadgate-feed: event lead=a@b cause=x` -> {"": "event", "lead": "a@b", "cause": "x"}; None for other lines."""
    match = re.match(r"leadgate(?:-\w+)?: (\w[\w-]*)(.*)", line)
    if match is None:
        return None
    fields = {"": match[1]}
    for name, raw, quoted in FIELD.findall(match[2]):
        fields[name] = re.sub(r"\\(.)", r"\1", quoted) if raw.startswith('"') else raw
    return fields


class Notify:
    """The receiving end of NOTIFY_SOCKET (sd_notify(3))."""

    def __init__(self, path):
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        os.chmod(path, 0o777)
        self.socket.setblocking(False)

    def ready(self):
        try:
            return b"READY=1" in self.socket.recv(4096).split(b"\n")
        except BlockingIOError:
            return False

    def close(self):
        self.socket.close()
        os.unlink(self.path)


class Process:
    """One child. Its standard output and standard error go to the end of the log file."""

    def __init__(self, name, argv, log, env=None, user=None, clean_exit=True):
        self.name, self.argv, self.log = name, argv, log
        self.env, self.user = env, user
        self.clean_exit = clean_exit  # a stop by SIGTERM must end in exit status 0
        self.popen = None

    def __repr__(self):
        return f"<{self.name} pid={self.pid}>"

    @property
    def pid(self):
        return self.popen.pid if self.popen else None

    def running(self):
        return self.popen is not None and self.popen.poll() is None

    def start(self, stdin=subprocess.DEVNULL, **environ):
        identity = {"user": self.user, "group": "nogroup", "extra_groups": []} if self.user else {}
        with open(self.log, "ab") as log:
            self.popen = subprocess.Popen(self.argv, stdin=stdin, stdout=log, stderr=log,
                                          env={**(self.env or os.environ), **environ},
                                          start_new_session=True, **identity)
        return self

    def start_ready(self, notify_path, timeout=15):
        """Starts, and waits until the program itself says that it serves."""
        notify = Notify(notify_path)
        try:
            self.start(NOTIFY_SOCKET=notify_path)
            wait_until(lambda: notify.ready() or not self.running(), timeout, f"{self.name} to be ready", self.recent)
            if not self.running():
                raise BedError(f"{self.name} ended with status {self.popen.returncode} instead of serving\n{self.recent()}")
        finally:
            notify.close()
        return self

    def signal(self, number):
        os.kill(self.pid, number)

    def wait(self, timeout=10):
        """The exit status, once it ended by itself."""
        wait_until(lambda: not self.running(), timeout, f"{self.name} to end", self.recent)
        return self.popen.returncode

    def kill(self):
        """SIGKILL, now."""
        if self.running():
            self.popen.kill()
        if self.popen:
            self.popen.wait()

    def stop(self, timeout=15):
        """SIGTERM; SIGKILL and a complaint when that is not enough."""
        if not self.running():
            return
        self.popen.terminate()
        try:
            status = self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise BedError(f"{self.name} did not end within {timeout} s of SIGTERM\n{self.recent()}") from None
        except BaseException:
            self.kill()
            raise
        if self.clean_exit and status != 0:
            raise BedError(f"{self.name} ended with status {status}\n{self.recent()}")

    def recent(self):
        return f"  {self.name}, {self.log}:\n{tail(self.log)}"

    def text(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def lines(self, word=None):
        """The program's own log lines as dicts; the word that opens a line is under the key ""."""
        found = (parse_line(line) for line in self.text().splitlines())
        return [line for line in found if line and word in (None, line[""])]


def processes_with(marker):
    """Ids of living processes whose environment holds marker (b"NAME=value"). A zombie is no living process."""
    pids = []
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/environ", "rb") as environ:
                if name.isdigit() and marker in environ.read().split(b"\0"):
                    pids.append(int(name))
        except (FileNotFoundError, NotADirectoryError, ProcessLookupError, PermissionError):
            continue
    return pids


def command(pid):
    """Its name; "" when it is gone."""
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8") as comm:
            return comm.read().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def kill_all(pids):
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
