# SPDX-License-Identifier: Apache-2.0
"""A DNS server on loopback that knows what a test tells it, over UDP."""
import socket
import struct
import threading

NXDOMAIN = 3


# Records, as (type, data).

def txt(text):
    data = text.encode()
    pieces = [data[i:i + 255] for i in range(0, len(data), 255)]
    return 16, b''.join(bytes([len(piece)]) + piece for piece in pieces)


def a(address):
    return 1, socket.inet_aton(address)


def mx(preference, name):
    return 15, struct.pack('!H', preference) + wire(name)


def ptr(name):
    return 12, wire(name)


def wire(name):
    return b''.join(bytes([len(label)]) + label.encode() for label in name.split('.')) + b'\0'


class Server:
    """records: {name: [record…]}. While `silent` it takes questions and never answers. `asked`: the names
    of all questions. ttl: seconds that a record may be kept."""

    def __init__(self, records, ttl=1):
        self.records = records
        self.ttl = ttl
        self.silent = False
        self.asked = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(('127.0.0.1', 0))
        self.address = '127.0.0.1@%d' % self.socket.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            query, peer = self.socket.recvfrom(4096)
            answer = self.answer(query)
            if not self.silent:
                self.socket.sendto(answer, peer)

    def answer(self, query):
        at, labels = 12, []
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode('latin-1').lower())
            at += 1 + query[at]
        kind, = struct.unpack('!H', query[at + 1:at + 3])
        name = '.'.join(labels)
        self.asked.append(name)
        found = [data for type, data in self.records.get(name, []) if type == kind]
        code = 0 if name in self.records else NXDOMAIN
        # Its name is at offset 12, class IN.
        answers = b''.join(struct.pack('!HHHIH', 0xc00c, kind, 1, self.ttl, len(data)) + data
                           for data in found)
        # A response, recursion desired and available; the question again.
        return (query[:2] + struct.pack('!HHHHH', 0x8180 | code, 1, len(found), 0, 0) +
                query[12:at + 5] + answers)
