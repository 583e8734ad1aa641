# SPDX-License-Identifier: BSD-2-Clause
"""The bed itself: one temporary folder with everything in it."""

import os
import pwd
import shutil
import sys
import tempfile
import time

from .postfix import Postfix
from .process import BedError, Process, tail, wait_until
from .redis import RedisServer
from .sink import Sink
from .smtp import campaign_message, transaction

USER = "nobody"  # what the Leadgate programs run as
PROGRAMS = {
    "leadgate-policyd": "policy",
    "leadgate-milter": "milter",
    "leadgate-feed": "feed",
    "leadgate": "cli",
}
CLOCK_REALTIME_COARSE = 5  # clock_gettime(2); what time(2) reads: some milliseconds behind the clock of time.time()
BOUNCE_ADDRESS = "bounce@bounces.bed.test"


def yaml(value, indent=0):
    """Settings as config.yaml: dicts, lists, numbers, booleans, texts."""
    pad = " " * indent
    if isinstance(value, dict):
        return "".join(
            f"{pad}{key}:\n{yaml(item, indent + 2)}" if isinstance(item, dict) else f"{pad}{key}: {yaml(item)}\n"
            for key, item in value.items()
        )
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def flow(value):
    """What stands in a list: on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(item)}" for key, item in value.items()) + "}"
    return yaml(value)


def merge(base, over):
    """over on top of base, section by section."""
    merged = dict(base)
    for key, value in over.items():
        merged[key] = merge(merged.get(key, {}), value) if isinstance(value, dict) else value
    return merged


class Bed:
    """Redis, Postfix, the rest of the world, and Leadgate's programs out of $LEADGATE_BUILD.

    bounces: how bounces reach leadgate-feed, "pipe" or "maildir". settings: what config.yaml says beyond the bed's own.
    postfix=False leaves Postfix and the sink out. Logs survive a failure in a folder that the message names."""

    def __init__(self, bounces="maildir", settings=None, postfix=True):
        if os.geteuid() != 0:
            raise SystemExit("The test bed starts a private Postfix, whose daemons run under several users: run it as root.")
        self.build = os.environ.get("LEADGATE_BUILD", os.path.join(os.path.dirname(__file__), "..", "..", "build"))
        self.user = pwd.getpwnam(USER)
        self.started, self.redis, self.sink, self.postfix = [], None, None, None
        self.dir = self._make_folder()
        try:
            self._set_up(bounces, settings or {}, postfix)
        except BaseException:
            self.close(failed=True)
            raise

    def _make_folder(self):
        parent = os.path.realpath(os.environ.get("LEADGATE_BED_DIR", "/var/tmp"))
        folder = tempfile.mkdtemp(prefix="leadgate-", dir=parent)
        os.chmod(folder, 0o755)  # mkdtemp's 0700 would keep Postfix's daemons out
        while parent != "/":
            if not os.stat(parent).st_mode & 0o001:
                os.rmdir(folder)
                raise SystemExit(f"{parent} is closed to other users (no o+x), Postfix's daemons among them: set LEADGATE_BED_DIR.")
            parent = os.path.dirname(parent)
        return folder

    def _set_up(self, bounces, settings, postfix):
        self.logs = self.folder("logs", 0o777)
        self.run_dir = self.folder("run", 0o755, own=True)
        self.bin = self.folder("bin", 0o755)
        self._copy_programs()
        self.environ = self._sanitizer_environ()
        self.redis = RedisServer(os.path.join(self.dir, "redis"), self.log_path("redis.log"))
        self.policy_socket = os.path.join(self.run_dir, "policy")
        self.milter_socket = os.path.join(self.run_dir, "milter")
        self.maildir = os.path.join(self.dir, "mail", "bounces")
        self.config_path = os.path.join(self.dir, "config.yaml")
        if postfix:
            self.sink = Sink()
            feed = f"{self.bin}/leadgate-feed -c {self.config_path}"
            self.postfix = Postfix(self.dir, self.logs, self.sink.port, bounces, feed, self.user,
                                   {name: self.environ[name] for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")})
            # Where contrib/postfix looks for the sockets: inside the queue directory.
            sockets = self.folder("queue/leadgate", 0o755, own=True)
            self.policy_socket, self.milter_socket = os.path.join(sockets, "policy"), os.path.join(sockets, "milter")
            self.maildir = self.postfix.maildir
        self.settings = merge(self._own_settings(), settings)
        self.configure()
        self.redis.start()
        if postfix:
            self.postfix.start()

    def folder(self, name, mode, own=False):
        path = os.path.join(self.dir, name)
        os.makedirs(path, exist_ok=True)
        os.chmod(path, mode)
        if own:
            shutil.chown(path, self.user.pw_uid, self.user.pw_gid)
        return path

    def _copy_programs(self):
        """The build folder may lie where the programs' user cannot go; the bed's folder does not."""
        for program, folder in PROGRAMS.items():
            path = os.path.join(self.build, folder, program)
            if os.path.exists(path):
                shutil.copy(path, self.bin)

    def _sanitizer_environ(self):
        """Sanitizers report into the bed's logs, from whatever process: check() looks there."""
        report = f"log_path={self.log_path('sanitizer')}"
        reporting = {
            name: ":".join(filter(None, [os.environ.get(name), report]))
            for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS")
        }
        return {**os.environ, **reporting}

    def _own_settings(self):
        return {
            "redis": {"address": f"unix:{self.redis.path}", "timeout": "1s"},
            "log": {"to": "stderr"},
            "address": {"default_domain": "bed.test"},
            "policy": {"listen": [f"unix:{self.policy_socket}"], "socket_mode": "0666"},
            "milter": {"listen": f"unix:{self.milter_socket}", "socket_mode": "0666", "bounce_addresses": [BOUNCE_ADDRESS]},
            "feed": {"maildirs": [self.maildir]},
        }

    def configure(self, path=None, **settings):
        """Writes config.yaml, or another file: the bed's settings and these on top. A running program reads it on SIGHUP."""
        path = path or self.config_path
        with open(path, "w", encoding="utf-8") as file:
            file.write(yaml(merge(self.settings, settings)))
        return path

    def log_path(self, name):
        return os.path.join(self.logs, name)

    # -- programs

    def program(self, name, *arguments, log=None):
        """A Leadgate program, not started yet."""
        argv = [os.path.join(self.bin, name), *arguments]
        if not os.path.exists(argv[0]):
            raise BedError(f"{name} is not built: nothing at {self.build}/{PROGRAMS[name]}/{name} (LEADGATE_BUILD)")
        process = Process(name, argv, self.log_path(log or f"{name}.log"), env=self.environ, user=USER)
        self.started.append(process)
        return process

    def start_program(self, name, *arguments, config=None, log=None):
        process = self.program(name, "-c", config or self.config_path, *arguments, log=log)
        return process.start_ready(os.path.join(self.run_dir, f"notify.{len(self.started)}"))

    def start_policyd(self, **more):
        return self.start_program("leadgate-policyd", **more)

    def start_milter(self, **more):
        return self.start_program("leadgate-milter", **more)

    def start_feed(self, **more):
        self.make_maildir(self.maildir)
        return self.start_program("leadgate-feed", **more)

    def make_maildir(self, path):
        for folder in ("", "tmp", "new", "cur"):
            os.makedirs(os.path.join(path, folder), exist_ok=True)
            shutil.chown(os.path.join(path, folder), self.user.pw_uid, self.user.pw_gid)
        return path

    # -- what tests do all the time

    def reset(self):
        """As new: no program runs, nothing is stored, queued or remembered; the bed's own settings."""
        try:
            self.stop_programs()
        finally:
            if not self.redis.process.running():
                self.redis.start()
            self._unlink_logs("sanitizer")  # what has to be said from here on is check()'s to find
            if self.postfix:  # before the rest: what is under way may still come back, and pipe(8) has it applied
                self.postfix.reset()
                self.sink.clear()
            self.redis.call("FLUSHALL")
            self.redis.call("CONFIG", "RESETSTAT")
            shutil.rmtree(self.maildir, ignore_errors=True)
            self._unlink_logs("leadgate")
            self.configure()

    def _unlink_logs(self, beginning):
        for name in os.listdir(self.logs):
            if name.startswith(beginning):
                os.unlink(self.log_path(name))

    def put_mail(self, name, mail, maildir=None):
        """Delivers into a Maildir as a delivery agent does: written in tmp/, then renamed."""
        maildir = maildir or self.maildir
        written = os.path.join(maildir, "tmp", name)
        with open(written, "wb") as file:
            file.write(mail)
        shutil.chown(written, self.user.pw_uid, self.user.pw_gid)
        os.rename(written, os.path.join(maildir, "new", name))

    def new_mails(self, maildir=None):
        """Names of the mails that nobody has dealt with yet."""
        try:
            return sorted(os.listdir(os.path.join(maildir or self.maildir, "new")))
        except FileNotFoundError:
            return []

    def next_second(self):
        """Until every program's clock shows another second: mail carries its times in whole ones."""
        second = int(time.time())
        self.wait(lambda: time.clock_gettime(CLOCK_REALTIME_COARSE) >= second + 1, "the next second")

    def campaign(self, recipients, **more):
        """One message to many, by SMTP to the campaign service."""
        return transaction(self.postfix.campaign_port, recipients, **more)

    def wait(self, condition, what, timeout=20, **more):
        return wait_until(condition, timeout, what, self.recent, **more)

    def recent(self):
        """The ends of all logs, for a failure's message."""
        names = sorted(os.listdir(self.logs))
        return "".join(f"  {name}:\n{tail(self.log_path(name))}" for name in names if os.path.getsize(self.log_path(name)))

    def check(self):
        """No sanitizer has anything to say."""
        reports = [name for name in os.listdir(self.logs) if name.startswith("sanitizer")]
        if reports:
            raise BedError("sanitizer reports:\n" + "\n".join(tail(self.log_path(name), 60) for name in reports))

    # -- the end

    def stop_programs(self):
        """Stops what was started, and fails when one of them did not end well."""
        errors = []
        for process in reversed(self.started):
            try:
                process.stop()
            except BedError as error:
                errors.append(str(error))
        self.started.clear()
        if errors:
            raise BedError("\n".join(errors))
        self.check()

    def close(self, failed=False):
        """Takes everything down. Complains, after that, about whatever did not end as it should."""
        steps = [self.postfix and self.postfix.close, self.stop_programs, self.redis and self.redis.close, self.sink and self.sink.close]
        errors = []
        for step in filter(None, steps):
            try:
                step()
            except (BedError, OSError) as error:
                errors.append(str(error))
        for process in self.started:
            process.kill()
        if failed or errors:
            self.keep_logs()
        shutil.rmtree(self.dir, ignore_errors=True)
        if errors and not failed:
            raise BedError("\n".join(errors))

    def keep_logs(self):
        """Copies them to where they outlast the bed: $LEADGATE_LOGS, else /var/tmp."""
        parent = os.environ.get("LEADGATE_LOGS", "/var/tmp")
        os.makedirs(parent, exist_ok=True)
        kept = tempfile.mkdtemp(prefix="leadgate-logs-", dir=parent)
        for path in (self.logs, os.path.join(self.dir, "etc"), self.config_path):
            if os.path.isdir(path):
                shutil.copytree(path, os.path.join(kept, os.path.basename(path)))
            elif os.path.exists(path):
                shutil.copy(path, kept)
        print(f"bed: logs kept in {kept}", file=sys.stderr)
        return kept

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        self.close(failed=kind is not None)


__all__ = ["BOUNCE_ADDRESS", "Bed", "campaign_message"]
