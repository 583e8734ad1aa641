# SPDX-License-Identifier: BSD-2-Clause
"""The fragments in contrib/postfix, on the configuration that Debian installs: Postfix has nothing to object to."""

import os

import pytest


def test_fragments_as_they_stand(piped):
    """Postfix runs on them here; that it also says nothing about them is asked for now."""
    for command in (("postconf", "-n"), ("postconf", "-M"), ("postfix", "check")):
        done = piped.postfix.run(*command)
        assert done.stderr == "", command
    assert "warning" not in piped.postfix.process.text()


def test_fragment_with_a_maildir(bed):
    for command in (("postconf", "-n"), ("postfix", "check")):
        assert bed.postfix.run(*command).stderr == ""


@pytest.mark.parametrize("parameter, value", [
    ("smtpd_recipient_restrictions", "$leadgate_policy"),
    ("leadgate_policy", "check_policy_service { unix:leadgate/policy, timeout=2s, default_action=DUNNO }"),
])
def test_what_the_fragment_sets(piped, parameter, value):
    assert piped.postfix.run("postconf", "-h", parameter).stdout.strip() == value


def test_chroot(piped):
    """The campaign service finds the policy server although it runs in a chroot: the sockets lie in the queue folder."""
    services = piped.postfix.run("postconf", "-M").stdout.splitlines()
    campaign = next(line.split() for line in services if line.startswith(f"127.0.0.1:{piped.postfix.campaign_port}"))
    assert campaign[4] == "y"
    policyd = piped.start_policyd()
    assert piped.policy_socket == os.path.join(piped.postfix.queue, "leadgate", "policy")
    piped.redis.call("SET", "lead:{gone@dest.test}:optout", "")
    assert piped.campaign(["gone@dest.test"]).refused and policyd.running()


def test_nothing_answers(piped):
    """No policy server, no milter: mail flows all the same (default_action)."""
    assert piped.campaign(["good@dest.test"]).data.code == 250
    piped.wait(lambda: piped.sink.received("good@dest.test"), "the mail")
