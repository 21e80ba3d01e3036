#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The database is away (R4), or slow (R5): senders are told to come again, soon enough that none gives up
waiting; the service does not grow; afterwards everything is delivered once. On the program as it is
shipped, since sanitizers have a memory of their own.

BOUNCED_SOAK=1: away for 10 minutes instead of 20 s."""
import os

import harness
import mail
import tap
from load import SENDERS, Load, endless

SOAK = bool(os.environ.get('BOUNCED_SOAK'))
AWAY_SECONDS = 600 if SOAK else 20
PER_MINUTE = 1000
PROGRAM = os.path.join(harness.ROOT, 'build/bounced')
MB = 1024 * 1024

cluster = harness.Cluster()


def memory(service):
    """Process id → bytes, of every process of the service."""
    pids = [service.process.pid] + harness.children_of(service.process.pid) + service.processes('parser')
    return {pid: harness.resident(pid) for pid in pids}


def percentile(values, percent):
    return sorted(values)[(len(values) - 1) * percent // 100]


def test_away():
    service = harness.Service(cluster, 'away', program=PROGRAM).start()
    tokens = service.tokens([(str(n + 1), None, None) for n in range(SENDERS)])
    load = Load(service, [endless(n, token) for n, token in enumerate(tokens)],
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


tap.main(globals())
