#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the service and of PostgreSQL under load: what was answered 250 is in the database, and
nothing is there twice. Senders keep a ledger and try again, as mail servers do.

BOUNCED_SOAK=1 runs ten times as many rounds."""
import os
import random
import signal
import time

import harness
import tap
from load import Load

ROUNDS = 200 if os.environ.get('BOUNCED_SOAK') else 20
def pause(random_source):
    """The moment to break something is random: this is no wait for a condition."""
    time.sleep(random_source.uniform(0.05, 0.6))


def test_kill_9_of_the_service():
    random_source = random.Random(1)
    service = harness.Service(harness.Cluster()).start()
    load = Load(service)
    for number in range(ROUNDS):
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
        service.start()
    load.wait_for_progress()
    load.finish()
    load.check()
    service.stop()


def test_kill_9_of_postgresql():
    random_source = random.Random(2)
    cluster = harness.Cluster()
    service = harness.Service(cluster).start()
    load = Load(service)
    for number in range(ROUNDS):
        load.wait_for_progress()
        pause(random_source)
        if number % 3 == 0:
            cluster.stop(signal.SIGKILL)
        elif number % 3 == 1:
            cluster.stop(signal.SIGQUIT)
        else:
            cluster.kill_backend(service.database)
        cluster.start()
    load.wait_for_progress()
    load.finish()
    load.check()
    service.stop()


tap.main(globals())
