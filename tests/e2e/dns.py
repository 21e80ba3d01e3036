# SPDX-License-Identifier: Apache-2.0
"""A DNS server on loopback that knows what a test tells it, over UDP."""
import socket
import struct
import threading

TXT, NXDOMAIN = 16, 3


class Server:
    """records: {name: [text…]}, TXT only. While `silent` it takes questions and never answers."""

    def __init__(self, records):
        self.records = records
        self.silent = False
        self.questions = 0
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(('127.0.0.1', 0))
        self.address = '127.0.0.1@%d' % self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            query, peer = self.socket.recvfrom(4096)
            self.questions += 1
            if not self.silent:
                self.socket.sendto(self.answer(query), peer)

    def answer(self, query):
        at, labels = 12, []
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode('latin-1').lower())
            at += 1 + query[at]
        kind, = struct.unpack('!H', query[at + 1:at + 3])
        name = '.'.join(labels)
        texts = self.records.get(name, []) if kind == TXT else []
        code = 0 if name in self.records else NXDOMAIN
        answers = b''.join(self.record(text.encode()) for text in texts)
        # A response, recursion desired and available; the question again; its name is at offset 12.
        return (query[:2] + struct.pack('!HHHHH', 0x8180 | code, 1, len(texts), 0, 0) +
                query[12:at + 5] + answers)

    @staticmethod
    def record(text):
        pieces = [text[i:i + 255] for i in range(0, len(text), 255)]
        data = b''.join(bytes([len(piece)]) + piece for piece in pieces)
        return struct.pack('!HHHIH', 0xc00c, TXT, 1, 1, len(data)) + data
