# SPDX-License-Identifier: Apache-2.0
"""A TCP proxy before PostgreSQL that makes it slow or silent, or cuts a connection between a COMMIT and its
answer: the database has it, and the client cannot know. It reads as much of the protocol as that needs:
what the server says is messages of a type byte, a length and a body."""
import asyncio
import random
import struct
import threading
import time

CHUNK = 65536
COMMITTED = b'COMMIT\0'  # the body of CommandComplete


class PostgresProxy:
    """Listens on `port` of 127.0.0.1 from a thread of its own. May be changed at any time:

    latency         seconds that whatever passes is late, in each direction
    silent_until    a time of time.monotonic() before which nothing passes
    drop_commits    the share of COMMIT's answers that are swallowed, and their connections cut
    """

    def __init__(self, cluster, seed=1):
        self.upstream = cluster.folder + '/.s.PGSQL.5432'
        self.latency = 0.0
        self.silent_until = 0.0
        self.drop_commits = 0.0
        self.commits = 0  # answers seen
        self.dropped = 0
        self.random = random.Random(seed)
        self.loop = asyncio.new_event_loop()
        server = self.loop.run_until_complete(asyncio.start_server(self.serve, '127.0.0.1', 0))
        self.port = server.sockets[0].getsockname()[1]
        threading.Thread(target=self.loop.run_forever, daemon=True).start()

    def dsn(self, database, role):
        """Neither TLS nor GSSAPI is asked for: their answers would be no messages."""
        return 'host=127.0.0.1 port=%d user=%s dbname=%s sslmode=disable gssencmode=disable' % (
            self.port, role, database)

    async def serve(self, reader, writer):
        try:
            upstream_reader, upstream_writer = await asyncio.open_unix_connection(self.upstream)
        except OSError:
            writer.transport.abort()
            return
        pair = writer, upstream_writer
        await asyncio.gather(self.forward(reader, upstream_writer, pair, False),
                             self.forward(upstream_reader, writer, pair, True))

    async def forward(self, reader, writer, pair, answers):
        """Bytes of one direction, each when its time has come. The end of one direction ends both."""
        queue = asyncio.Queue()
        sending = asyncio.ensure_future(self.send_in_time(queue, writer))
        buffer = b''
        try:
            while data := await reader.read(CHUNK):
                dropped = False
                if answers:
                    data, buffer, dropped = self.take_answers(buffer + data)
                queue.put_nowait((time.monotonic() + self.latency, data))
                if dropped:
                    break
        except OSError:
            pass
        queue.put_nowait((0.0, None))
        await sending
        for either in pair:
            either.transport.abort()

    async def send_in_time(self, queue, writer):
        while True:
            due, data = await queue.get()
            if data is None:
                break
            while (wait := max(due, self.silent_until) - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            writer.write(data)
            try:
                await writer.drain()
            except OSError:
                break

    def take_answers(self, data):
        """Returns the whole messages, what is left, and whether one was swallowed; it ends them."""
        at = 0
        while len(data) - at >= 5:
            length = 1 + struct.unpack_from('>I', data, at + 1)[0]
            if len(data) - at < length:
                break
            if data[at:at + 1] == b'C' and data[at + 5:at + length] == COMMITTED:
                self.commits += 1
                if self.random.random() < self.drop_commits:
                    self.dropped += 1
                    return data[:at], b'', True
            at += length
        return data[:at], data[at:], False
