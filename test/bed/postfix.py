# SPDX-License-Identifier: BSD-2-Clause
"""A private Postfix: its own configuration, queue, data and log; nothing of /etc/postfix or /var/spool/postfix is touched.

Its configuration is what Debian installs (/usr/share/postfix) plus contrib/postfix, with paths, ports and the user
replaced: what the tests run through is what an operator is told to append.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess

from .process import BedError, Process, command, kill_all, processes_with, tail, wait_until

CONTRIB = os.path.join(os.path.dirname(__file__), "..", "..", "contrib", "postfix")
DEBIAN = "/usr/share/postfix"

PRIVATE = """
# --- the bed: private, loopback only, no DNS
queue_directory = {home}/queue
data_directory = {home}/data
maillog_file = {log}
maillog_file_prefixes = {logs}, /dev/stdout
meta_directory = /etc/postfix
shlib_directory = /usr/lib/postfix
daemon_directory = /usr/lib/postfix/sbin
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.bed.test
mydomain = bed.test
myorigin = bed.test
mydestination =
mynetworks = 127.0.0.0/8
local_transport = error:there are no local users
alias_maps =
alias_database =
relayhost = [127.0.0.1]:{sink_port}
smtp_host_lookup = native
smtpd_peername_lookup = no
smtp_tls_security_level =
smtpd_tls_security_level =
notify_classes =
enable_long_queue_ids = yes
queue_run_delay = 1s
minimal_backoff_time = 1s
maximal_backoff_time = 2s
transport_retry_time = 1s
in_flow_delay = 0
export_environment = TZ MAIL_CONFIG LANG {environment}
# --- contrib/postfix
"""


def replace(text, old, new):
    """The fragment must hold what is replaced: else the test would run something else than what is shipped."""
    if old not in text:
        raise BedError(f"contrib/postfix does not say {old!r} any more")
    return text.replace(old, new)


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def free_ports(n):
    """As many different ones: each is held until all are found."""
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(n)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def free_port():
    return free_ports(1)[0]


class Postfix:
    def __init__(self, home, logs, sink_port, bounces, feed_command, user, environment):
        """bounces: "pipe" or "maildir", the two ways of contrib/postfix. user: a pwd entry."""
        self.home, self.etc = home, os.path.join(home, "etc")
        self.queue = os.path.join(home, "queue")
        self.log = os.path.join(logs, "mail.log")
        self.port, self.campaign_port = free_ports(2)
        self.maildir = os.path.join(home, "mail", "bounces")
        self.user = user
        self.marker = b"MAIL_CONFIG=" + os.fsencode(self.etc)  # in the environment of all its processes
        self._mark = 0
        for folder, mode in (("etc", 0o755), ("queue", 0o755), ("data", 0o755), ("mail", 0o755)):
            os.makedirs(os.path.join(home, folder), exist_ok=True)
            os.chmod(os.path.join(home, folder), mode)
        shutil.chown(os.path.join(home, "data"), "postfix")
        shutil.chown(os.path.join(home, "mail"), user.pw_uid, user.pw_gid)
        self._write("main.cf", self._main_cf(logs, sink_port, bounces, environment))
        self._write("master.cf", self._master_cf(feed_command))
        self.environ = {k: v for k, v in os.environ.items() if not k.startswith("MAIL_")}
        self.process = Process("postfix", ["postfix", "-c", self.etc, "start-fg"], os.path.join(logs, "postfix.err"),
                               env=self.environ, clean_exit=False)

    def _write(self, name, text):
        with open(os.path.join(self.etc, name), "w", encoding="utf-8") as file:
            file.write(text)

    def _main_cf(self, logs, sink_port, bounces, environment):
        private = PRIVATE.format(home=self.home, log=self.log, logs=logs, sink_port=sink_port,
                                 environment=" ".join(f"{{{k}={v}}}" for k, v in environment.items()))
        # As Debian's installer adds to main.cf.debian.
        installed = "smtpd_relay_restrictions = permit_mynetworks permit_sasl_authenticated defer_unauth_destination\n"
        return read(DEBIAN, "main.cf.debian") + installed + private + self.fragment(bounces)

    def fragment(self, bounces):
        text = read(CONTRIB, "main.cf.leadgate")
        if bounces == "maildir":
            head, third, rest = re.split(r"(?m)^(?=# [34]\. )", text)[-3:] if text.count("\n# 3. ") == 1 else (None,) * 3
            if third is None:
                raise BedError("contrib/postfix/main.cf.leadgate has no part 3 any more")
            before = text[: text.index(third)]
            maildir = read(CONTRIB, "main.cf.leadgate-maildir")
            maildir = replace(maildir, "virtual_mailbox_base = /var/lib/leadgate", f"virtual_mailbox_base = {self.home}/mail")
            maildir = replace(maildir, "virtual_uid_maps = static:990", f"virtual_uid_maps = static:{self.user.pw_uid}")
            maildir = replace(maildir, "virtual_gid_maps = static:990", f"virtual_gid_maps = static:{self.user.pw_gid}")
            text = before + maildir + "\n" + rest
        return text

    def _master_cf(self, feed_command):
        standard = read(DEBIAN, "master.cf.dist")
        standard, n = re.subn(r"(?m)^smtp(\s+inet\s)", rf"127.0.0.1:{self.port}\1", standard, count=1)
        if n != 1:
            raise BedError(f"{DEBIAN}/master.cf.dist: no smtp service")
        fragment = read(CONTRIB, "master.cf.leadgate")
        fragment = replace(fragment, "127.0.0.1:10587", f"127.0.0.1:{self.campaign_port}")
        fragment = replace(fragment, "argv=/usr/sbin/leadgate-feed", f"argv={feed_command}")
        fragment = replace(fragment, "user=leadgate", f"user={self.user.pw_name}")
        return standard + fragment

    def run(self, *argv, check=True, **more):
        """A Postfix command on this instance: run("postqueue", "-p")."""
        done = subprocess.run([argv[0], "-c", self.etc, *argv[1:]], capture_output=True, text=True, env=self.environ, **more)
        if check and done.returncode != 0:
            raise BedError(f"{' '.join(argv)}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def start(self):
        self.process.start()
        wait_until(lambda: self._listens() or not self.process.running(), 30, "Postfix to listen", self.recent)
        if not self.process.running():
            raise BedError(f"Postfix did not start\n{self.recent()}")
        return self

    def _listens(self):
        for port in (self.port, self.campaign_port):
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
            except OSError:
                return False
        return True

    def set(self, **settings):
        """postconf -e, and what `postfix reload` does, until no daemon with the old settings is left. An empty value is a
        value."""
        self.run("postconf", "-e", *(f"{name}={value}" for name, value in settings.items()))
        before = set(self._daemons())
        os.kill(int(read(self.queue, "pid", "master.pid")), signal.SIGHUP)
        wait_until(lambda: not before & set(self._daemons()), 15, "daemons with the old settings to end", self.recent)

    def _daemons(self):
        """Those that read the settings which tests change."""
        return [pid for pid in processes_with(self.marker) if command(pid) in ("smtpd", "cleanup")]

    @contextlib.contextmanager
    def setting(self, **settings):
        """set(), until the end of the block."""
        before = {name: self.run("postconf", "-h", name).stdout.rstrip("\n") for name in settings}
        self.set(**settings)
        try:
            yield
        finally:
            self.set(**before)

    def sendmail(self, recipients, message, sender="bounce@bounces.bed.test", options=()):
        """Injection as by an application's sendmail(1)."""
        subprocess.run(["sendmail", "-C", self.etc, "-f", sender, "-i", *options, "--", *recipients], check=True, env=self.environ,
                       input=message if isinstance(message, bytes) else message.encode("utf-8"))

    def _listed(self):
        """{(queue, queue id)}. showq(8) looks into one queue after the other, `active` first: what goes there meanwhile is missed, and
        what comes from there is listed twice. So it is asked twice, and each message counts once."""
        text = "".join(self.run("postqueue", "-j").stdout for _ in range(2))
        return set(re.findall(r'"queue_name": "(\w+)", "queue_id": "(\w+)"', text))

    def queued(self):
        """Queue ids of the messages in the queue, whatever their state."""
        return sorted({queue_id for _, queue_id in self._listed()})

    def _in_motion(self):
        return [queue_id for queue, queue_id in self._listed() if queue in ("incoming", "active")]

    def flush(self):
        self.run("postqueue", "-f")

    def reset(self):
        """No mail in the queue, nor in the hands of those who deliver it; and text() begins here."""
        with contextlib.suppress(BedError):  # of what stays there
            wait_until(lambda: not self._in_motion(), 10, "what is under way to arrive")
        if self.queued():
            self.run("postsuper", "-d", "ALL")
            wait_until(lambda: not self.queued(), 10, "the queue to be empty", self.recent)
        self._mark = len(self._whole_log())

    def recent(self):
        return f"  Postfix, {self.log}:\n{tail(self.process.log)}{tail(self.log)}"

    def _whole_log(self):
        try:
            with open(self.log, "rb") as log:
                return log.read()
        except FileNotFoundError:
            return b""

    def text(self):
        """What Postfix has logged since the last reset()."""
        return self._whole_log()[self._mark :].decode("utf-8", "replace")

    def close(self):
        """Stops all of it: what carries our MAIL_CONFIG in its environment is ours."""
        try:
            if self.process.running():
                self.run("postfix", "stop", check=False)
                wait_until(lambda: not self.process.running() and not processes_with(self.marker), 15, "Postfix to stop", self.recent)
        finally:
            kill_all(processes_with(self.marker))
            self.process.kill()
