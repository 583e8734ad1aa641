# SPDX-License-Identifier: BSD-2-Clause
"""A test bed: private Redis, private Postfix, a scripted rest of the world, and the Leadgate programs.

    with Bed() as bed:
        bed.start_policyd()
        replies = bed.campaign(["good@dest.test", "dead@dest.test"])

Everything lives in one temporary folder and on loopback, and is gone afterwards. Python 3.11 and its standard library
are all it needs. It runs as root only: Postfix's master(8) starts its daemons under several users.
"""

from .bed import BOUNCE_ADDRESS, Bed
from .dsn import make_complaint, make_dsn
from .maillog import make_log
from .process import BedError, wait_until
from .proxy import Proxy
from .redis import Redis, RedisError, RedisServer
from .sink import Sink
from .smtp import Reply, transaction

__all__ = [
    "BOUNCE_ADDRESS",
    "Bed",
    "BedError",
    "Proxy",
    "Redis",
    "RedisError",
    "RedisServer",
    "Reply",
    "Sink",
    "make_complaint",
    "make_dsn",
    "make_log",
    "transaction",
    "wait_until",
]
