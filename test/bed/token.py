# SPDX-License-Identifier: BSD-2-Clause
"""Tokens as somebody else would make and read them, from what include/leadgate/token.h says of them: a second
implementation, so that the tests do not believe the first one."""

import hashlib
import hmac
import os
import re
import struct
import time

DIGITS = "abcdefghijklmnopqrstuvwxyz234567"
LENGTH = 23
KINDS = {"bounce": "b", "message": "m", "unsubscribe": "u"}


def encode(data):
    bits = "".join(f"{byte:08b}" for byte in data)
    bits += "0" * (-len(bits) % 5)
    return "".join(DIGITS[int(bits[i:i + 5], 2)] for i in range(0, len(bits), 5))


def decode(text):
    bits = "".join(f"{DIGITS.index(c):05b}" for c in text.lower())
    return bytes(int(bits[i:i + 8], 2) for i in range(0, len(bits) // 8 * 8, 8))


def rounds(state):
    """ChaCha's twenty."""
    x = list(state)

    def quarter(a, b, c, d):
        for one, two, three, left in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
            x[one] = x[one] + x[two] & 0xFFFFFFFF
            x[three] ^= x[one]
            x[three] = (x[three] << left | x[three] >> 32 - left) & 0xFFFFFFFF

    for _ in range(10):
        for column in range(4):
            quarter(column, column + 4, column + 8, column + 12)
        for a, b, c, d in ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)):
            quarter(a, b, c, d)
    return x


def xchacha20(key, nonce, data):
    head = struct.unpack("<4I", b"expand 32-byte k")
    x = rounds((*head, *struct.unpack("<8I", key), *struct.unpack("<4I", nonce[:16])))
    subkey, out = (*x[:4], *x[12:]), b""
    for block in range((len(data) + 63) // 64):
        state = (*head, *subkey, block, 0, *struct.unpack("<2I", nonce[16:]))
        stream = struct.pack("<16I", *(a + b & 0xFFFFFFFF for a, b in zip(rounds(state), state)))
        out += bytes(a ^ b for a, b in zip(data[block * 64:], stream))
    return out


class Key:
    """One signing key, and its file."""

    def __init__(self, path=None, owner=None):
        self.secret = os.urandom(32)
        derive = lambda name: hmac.digest(self.secret, name, hashlib.sha256)  # noqa: E731
        self.id, self.mac_key = DIGITS[derive(b"leadgate key id")[0] & 31], derive(b"leadgate token mac")
        self.cipher_key = derive(b"leadgate token cipher")
        self.path = path
        if path:
            with open(os.open(path, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "w", encoding="ascii") as file:
                file.write(f"leadgate-key-1 {encode(self.secret)}\n")
            if owner:
                os.chown(path, owner.pw_uid, owner.pw_gid)

    def _mac(self, head, domain, subject, stream):
        said = b"".join(part.encode("utf-8", "surrogateescape").lower() + b"\0" for part in (head, domain, subject, stream))
        return hmac.digest(self.mac_key, said, hashlib.sha256)[:10]

    def make(self, domain, subject, kind="bounce", stream="", at=None, about="aa"):
        day = int((time.time() if at is None else at) // 86400) % 32768
        head = KINDS[kind] + self.id + "".join(DIGITS[day >> shift & 31] for shift in (10, 5, 0)) + about
        return head + encode(self._mac(head, domain, subject, stream))

    def seal(self, domain, subject, **more):
        """With the subject enciphered behind it, as a header or an envelope id carries it."""
        token = self.make(domain, subject, **more)
        return token + encode(xchacha20(self.cipher_key, decode(token[7:]) + bytes(14), subject.encode()))

    def path_of(self, base, lead, **more):
        """bounce@our.example, ann@example.com -> bounce+TOKEN=ann=example.com@our.example."""
        local, domain = base.split("@")
        return f"{local}+{self.make(domain, lead, **more)}={lead.replace('@', '=')}@{domain}"

    def is_good(self, token, domain, subject, kind="bounce", stream=""):
        """Whether it is ours, of today or, at midnight, of yesterday."""
        token = token.lower()
        days = [self.make(domain, subject, kind, stream, time.time() - ago, token[5:7]) for ago in (0, 86400)]
        return token in days

    def open(self, token, domain):
        """The subject of a sealed token that is good; None for others."""
        token, sealed = token[:LENGTH].lower(), token[LENGTH:]
        nonce = decode(token[7:]) + bytes(14)
        subject = xchacha20(self.cipher_key, nonce, decode(sealed)).decode("utf-8", "replace")
        return subject if self.is_good(token, domain, subject) else None


def split_path(path):
    """bounce+TOKEN=ann=example.com@our.example -> TOKEN, ann@example.com."""
    token, user, host = re.fullmatch(r"[^@]*?\+([a-zA-Z2-7]{23})=(.*)=([^=]*)@[^@]*", path).groups()
    return token, f"{user}@{host}"
