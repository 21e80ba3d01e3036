#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the service (R1) and of PostgreSQL (R2) under load: what was answered 250 is in the database,
and nothing is there twice. Senders keep a ledger and try again, as mail servers do.

BOUNCED_SOAK=1 runs ten times as many rounds, with longer pauses."""
import os
import random
import signal
import time

import harness
import tap
from load import Load

SOAK = bool(os.environ.get('BOUNCED_SOAK'))
SERVICE_ROUNDS, DATABASE_ROUNDS = (200, 50) if SOAK else (20, 6)
PAUSES = (0.05, 3.0) if SOAK else (0.05, 0.6)


def pause(random_source):
    """The moment to break something is random: this is no wait for a condition."""
    time.sleep(random_source.uniform(*PAUSES))


def settle(load):
    """Everything that was tried is stored once, and answered."""
    load.wait_for_progress()
    load.drain()
    load.check()
    load.service.stop()


def test_kill_9_of_the_service():
    random_source, restarts = random.Random(1), []
    service = harness.Service(harness.Cluster()).start()
    load = Load(service)
    for number in range(SERVICE_ROUNDS):
        load.wait_for_progress()
        pause(random_source)
        if number % 3 == 2:
            # One ingest process; the supervisor starts another.
            running = harness.wait_for(lambda: service.processes('ingest'), 'an ingest process runs')
            os.kill(random_source.choice(running), signal.SIGKILL)
            continue
        if number % 3 == 1:
            # The supervisor alone: all that it started must go with it.
            service.process.kill()
            service.process.wait()
        service.kill()
        begin = time.monotonic()
        service.start()
        restarts.append(time.monotonic() - begin)
    settle(load)
    print('# R1: %d rounds, %d messages acknowledged, ready again in %.2f s at most' % (
        SERVICE_ROUNDS, load.acknowledged(), max(restarts)))


def test_kill_9_of_postgresql():
    random_source, recoveries = random.Random(2), []
    cluster = harness.Cluster()
    service = harness.Service(cluster).start()
    processes = service.processes('ingest')
    load = Load(service)
    for number in range(DATABASE_ROUNDS):
        load.wait_for_progress()
        pause(random_source)
        if number % 3 == 0:
            cluster.stop(signal.SIGKILL)
        elif number % 3 == 1:
            cluster.stop(signal.SIGQUIT)
        else:
            cluster.kill_backend(service.database)
        cluster.start()
        begin, before = time.monotonic(), load.acknowledged()
        harness.wait_for(lambda: load.acknowledged() > before, 'mail is taken again', 60, service.log)
        recoveries.append(time.monotonic() - begin)
    assert service.processes('ingest') == processes, 'an ingest process was started again'
    settle(load)
    assert load.refused() <= {451}, load.refused()
    print('# R2: %d rounds, %d messages acknowledged, mail taken again %.2f s after PostgreSQL at most' % (
        DATABASE_ROUNDS, load.acknowledged(), max(recoveries)))


tap.main(globals())
