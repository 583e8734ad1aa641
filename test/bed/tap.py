# SPDX-License-Identifier: BSD-2-Clause
"""Stands between Postfix and a milter and writes down which steps Postfix tells it: what a mail costs is how far it is
seen. The milter protocol is packets of a length, a letter and data, both ways."""

import os
import socket
import struct
import threading

STEPS = {b"M": "MAIL", b"R": "RCPT", b"T": "DATA", b"L": "header", b"N": "end of header", b"B": "body", b"E": "end"}


class Tap:
    """Listens on the unix socket `path`. may: the actions (SMFIF_...) that Postfix seems to offer; None = its own."""

    def __init__(self, path, milter_path, may=None):
        self.path, self.milter_path, self.may = path, milter_path, may
        self.steps = []  # of all mails, in order
        self.replies = []  # the milter's, by their letters
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        os.chmod(path, 0o777)
        self.listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def clear(self):
        self.steps, self.replies = [], []

    def _accept(self):
        while True:
            try:
                postfix, _ = self.listener.accept()
            except OSError:  # closed
                return
            milter = socket.socket(socket.AF_UNIX)
            milter.connect(self.milter_path)
            threading.Thread(target=self._pass, args=(postfix, milter, self._note_step), daemon=True).start()
            threading.Thread(target=self._pass, args=(milter, postfix, self._note_reply), daemon=True).start()

    def _note_step(self, letter, data):
        if letter in STEPS and (letter not in b"LB" or self.steps[-1:] != [STEPS[letter]]):
            self.steps.append(STEPS[letter])
        if letter == b"O" and self.may is not None:
            version, actions, steps = struct.unpack("!III", data)
            return struct.pack("!III", version, actions & self.may, steps)
        return data

    def _note_reply(self, letter, data):
        self.replies.append(letter.decode("ascii"))
        return data

    def _pass(self, source, target, note):
        stream = source.makefile("rb")
        try:
            while len(head := stream.read(5)) == 5:
                data = note(head[4:], stream.read(struct.unpack("!I", head[:4])[0] - 1))
                target.sendall(head + data)
        except OSError:
            pass
        finally:
            for end in (source, target):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def close(self):
        self.listener.close()
        os.unlink(self.path)
