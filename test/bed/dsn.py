# SPDX-License-Identifier: BSD-2-Clause
"""Delivery status notifications as Postfix writes them, for tests that need thousands; and complaints."""

import email.utils

TEXTS = {
    "5.1.1": (550, "<{r}>: Recipient address rejected: User unknown in virtual mailbox table"),
    "5.2.2": (552, "<{r}>: mailbox is full"),
    "4.2.2": (452, "<{r}>: mailbox is full, try again later"),
}


def date(at):
    return email.utils.formatdate(at, usegmt=False)


def make_dsn(recipient, status="5.1.1", *, at, message_id, sent=None, action="failed", to="bounce@bounces.bed.test",
             original=None, text=None):
    """One mail, LF line ends. at: when it reached us (the Received field); sent: when the returned mail was sent."""
    sent = at - 60 if sent is None else sent
    code, words = TEXTS.get(status, (550 if status[0] == "5" else 450, "<{r}>: refused"))
    words = (text or words).format(r=recipient)
    boundary = f"BOUNDARY.{int(at)}/remote.dest.test"
    return f"""\
Received: from remote.dest.test (remote.dest.test [192.0.2.25])
\tby mail.bed.test (Postfix) with ESMTP id 4BED{int(at):X}
\tfor <{to}>; {date(at)}
Date: {date(at)}
From: MAILER-DAEMON@remote.dest.test (Mail Delivery System)
Subject: Undelivered Mail Returned to Sender
To: {to}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary="{boundary}"
Content-Transfer-Encoding: 8bit
Message-Id: <dsn.{message_id}>

This is a MIME-encapsulated message.

--{boundary}
Content-Description: Notification
Content-Type: text/plain; charset=utf-8

I'm sorry to have to inform you that your message could not be delivered.

<{recipient}>: host mx.dest.test[192.0.2.26] said: {code} {status} {words}
    (in reply to RCPT TO command)

--{boundary}
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; remote.dest.test
X-Postfix-Queue-ID: 4BEDQUEUE
X-Postfix-Sender: rfc822; {to}
Arrival-Date: {date(sent)}

Final-Recipient: rfc822; {recipient}
Original-Recipient: rfc822;{original or recipient}
Action: {action}
Status: {status}
Remote-MTA: dns; mx.dest.test
Diagnostic-Code: smtp; {code} {status} {words}

--{boundary}
Content-Description: Undelivered Message
Content-Type: text/rfc822-headers

Return-Path: <{to}>
Date: {date(sent)}
From: News <news@bed.test>
To: {recipient}
Subject: News
Message-ID: <{message_id}>

--{boundary}--
""".encode("utf-8")


def make_complaint(recipient, *, at, header, kind="abuse", to="bounce@bounces.bed.test"):
    """A feedback report (RFC 5965) about a mail to the recipient, whose other fields are in `header`: {name: value}."""
    boundary = f"ARF.{int(at)}"
    returned = "".join(f"{name}: {value}\n" for name, value in header.items())
    return f"""\
Received: from fbl.provider.test (fbl.provider.test [192.0.2.27])
\tby mail.bed.test (Postfix) with ESMTP id 4BED{int(at):X}
\tfor <{to}>; {date(at)}
Date: {date(at)}
From: <fbl@provider.test>
Subject: FW: News
To: {to}
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="{boundary}"

--{boundary}
Content-Type: text/plain; charset="us-ascii"

This is an email abuse report for a message received from 192.0.2.10.

--{boundary}
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: Provider-FBL/1.0
Version: 1

--{boundary}
Content-Type: message/rfc822

{returned}To: {recipient}
Date: {date(at - 60)}
Subject: News

Hello

--{boundary}--
""".encode("utf-8")
