# SPDX-License-Identifier: BSD-2-Clause
"""Beds for the end-to-end tests. Postfix and Redis live for the whole session; each test begins with nothing stored, no
program running and the bed's own settings, and ends with every program stopped, its exit status and the sanitizers'
reports checked."""

import os
import signal
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.dirname(__file__)))

from bed import Bed, BedError  # noqa: E402

# Suspensions exactly as long as configured, and strikes as close together as a test sends them.
EXACT = {"lifecycle": {"strike_spacing": "0s", "jitter": "0%"}}


def pytest_configure():
    """Being told to stop is as good as Ctrl-C: the beds are taken down."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if report.when == "call":
        item.failed = report.failed


def one_test(bed, request):
    """A bed as new; after a failed test its logs are kept, and it is as new all the same."""
    bed.reset()
    yield bed
    if request.node.failed:
        print(f"logs: {bed.keep_logs()}\n{bed.recent()}")
        for process in bed.started:
            process.kill()
        bed.started.clear()
    else:
        try:
            bed.stop_programs()
        except BedError:
            bed.keep_logs()
            raise


@pytest.fixture(scope="session")
def maildir_bed():
    with Bed(bounces="maildir", settings=EXACT) as bed:
        yield bed


@pytest.fixture(scope="session")
def pipe_bed():
    with Bed(bounces="pipe", settings=EXACT) as bed:
        yield bed


@pytest.fixture(scope="session")
def redis_bed():
    with Bed(postfix=False, settings=EXACT) as bed:
        yield bed


@pytest.fixture
def bed(maildir_bed, request):
    """Postfix with a Maildir behind the bounce address."""
    yield from one_test(maildir_bed, request)


@pytest.fixture
def piped(pipe_bed, request):
    """Postfix with pipe(8) behind the bounce address: main.cf.leadgate as it stands."""
    yield from one_test(pipe_bed, request)


@pytest.fixture
def store(redis_bed, request):
    """Redis alone, for what needs no Postfix."""
    yield from one_test(redis_bed, request)


@pytest.fixture(params=["maildir", "pipe"])
def any_bed(request):
    """Both ways in turn."""
    yield from one_test(request.getfixturevalue(f"{request.param}_bed"), request)
