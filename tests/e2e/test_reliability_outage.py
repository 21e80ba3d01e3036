#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The database is away (R4), or slow (R5): senders are told to come again, soon enough that none gives up
waiting; the service does not grow; afterwards everything is delivered once. On the program as it is
shipped, since sanitizers have a memory of their own.

BOUNCED_SOAK=1: away for 10 minutes instead of 20 s, and slow ten times as often."""
import os
import threading
import time

import harness
import mail
import tap
from load import SENDERS, Load, messages, percentile
from postgres_proxy import PostgresProxy

SOAK = bool(os.environ.get('BOUNCED_SOAK'))
AWAY_SECONDS = 600 if SOAK else 20
TIMES = 10 if SOAK else 1
PER_MINUTE = 1000
PROGRAM = os.path.join(harness.ROOT, 'build/bounced')
MB = 1024 * 1024
# What a process may hold of messages; their buffers grow by doubling. Behind it, all else it may have.
IN_FLIGHT, OVERHEAD = 256 * MB, 50 * MB
LARGE, LARGE_SENDERS = 9 * MB, 40

cluster = harness.Cluster()


def memory(service):
    """Process id → bytes, of every process of the service."""
    pids = [service.process.pid] + harness.children_of(service.process.pid) + service.processes('parser')
    return {pid: harness.resident(pid) for pid in pids}


def test_away():
    service = harness.Service(cluster, 'away', program=PROGRAM).start()
    tokens = service.tokens([(str(n + 1), None, None) for n in range(SENDERS)])
    load = Load(service, [messages(n, token) for n, token in enumerate(tokens)],
                pause=SENDERS * 60 / PER_MINUTE, queueing=True)
    load.wait_for_progress()
    cluster.stop()
    refused = len(load.answers())
    harness.wait_for(lambda: len(load.answers()) > refused + SENDERS, 'mail is refused')
    before, refused = memory(service), len(load.answers())
    harness.wait_for(lambda: len(load.answers()) > refused + AWAY_SECONDS * PER_MINUTE / 60,
                     'as many messages as come in %d s' % AWAY_SECONDS, 3 * AWAY_SECONDS)
    after, meanwhile = memory(service), load.answers()
    cluster.start()
    load.drain(AWAY_SECONDS + 60)
    load.check()
    assert not [message for sender in load.senders for message in sender.deferred]
    growth = {pid: after[pid] / before[pid] - 1 for pid in before}
    waits = [answer.seconds for answer in meanwhile if answer.code == 451]
    print('# R4: %d s away, %d times 451, p99 after %.3f s, at most %.3f s, memory %+.1f %% to %+.1f %%; then %d '
          'messages stored' % (AWAY_SECONDS, len(waits), percentile(waits, 99), max(waits),
                               100 * min(growth.values()), 100 * max(growth.values()), load.acknowledged()))
    assert load.refused() == {451}, load.refused()
    assert not [error for sender in load.senders for error in sender.broken]
    assert percentile(waits, 99) < 1, percentile(waits, 99)
    assert before.keys() == after.keys(), 'a process was started again'
    assert max(abs(part) for part in growth.values()) < 0.1, growth
    service.stop()


class LargeSender(threading.Thread):
    """One message of LARGE bytes; all wait for each other, so that MAIL can refuse none of them."""

    def __init__(self, service, token, together):
        super().__init__(daemon=True)
        self.service = service
        self.token = token
        self.together = together
        self.reply = None
        self.start()

    def run(self):
        with mail.Smtp(self.service.smtp_port) as smtp:
            smtp.envelope([self.token])
            self.together.wait(60)
            smtp.send(mail.dsn(self.token, 'large@recipient.example') + (b'x' * 76 + b'\r\n') * (LARGE // 78))
            self.reply = smtp.command('.')


def flood_while_locked(service, token):
    """Nobody can store anything, and more is sent than fits. Returns the codes of the replies, and the most
    memory that it took."""
    ingest, = service.processes('ingest')
    together = threading.Barrier(LARGE_SENDERS)
    most = 0

    def all_answered():
        nonlocal most
        most = max(most, harness.resident(ingest))
        return all(sender.reply for sender in senders)
    with service.connect() as database:
        database.autocommit = False
        harness.execute(database, 'LOCK TABLE ingest_key IN ACCESS EXCLUSIVE MODE')
        senders = [LargeSender(service, token, together) for _ in range(LARGE_SENDERS)]
        harness.wait_for(all_answered, 'every large message is answered', 60, service.log)
    return [sender.reply[0] for sender in senders], most


def test_slow():
    proxy = PostgresProxy(cluster)
    service = harness.Service(cluster, 'slow', program=PROGRAM, ingest__processes=1,
                              database__ingest_dsn=proxy.dsn('slow', 'bounced_ingest')).start()
    token = service.token(ref='1000')
    load = Load(service)
    load.wait_for_progress()
    base = harness.resident(service.processes('ingest')[0])
    for _ in range(TIMES):
        proxy.latency = 0.5
        load.wait_for_progress()
        load.wait_for_progress()
        proxy.silent_until = time.monotonic() + 5
        load.wait_for_progress()
        load.wait_for_progress()
        proxy.latency = 0.0
        replies, most = flood_while_locked(service, token)
        print('# R5: locked: large messages answered %s, memory %d MB' % (
            {code: replies.count(code) for code in set(replies)}, most // MB))
        assert set(replies) == {451, 452}, replies
        assert most < base + 2 * IN_FLIGHT + OVERHEAD, most
        load.wait_for_progress()
    load.drain()
    load.check()
    waits = [answer.seconds for answer in load.answers()]
    left = harness.resident(service.processes('ingest')[0])
    print('# R5: %d messages stored, an answer after %.1f s (p99), %.1f s at most; memory %d MB before, %d MB after' % (
        load.acknowledged(), percentile(waits, 99), max(waits), base // MB, left // MB))
    assert max(waits) > 4, 'nothing was slow'
    assert percentile(waits, 99) < 30, percentile(waits, 99)
    assert left < base + OVERHEAD, left
    service.stop()


tap.main(globals())
