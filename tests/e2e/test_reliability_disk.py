#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""R6: the disk of the database, that of its write-ahead log, that of the service's log are full. Mail is
told to come again, what was answered 250 is there, and all goes on by itself when there is room again.

BOUNCED_SOAK=1: disks of 256 MB instead of 48 MB, of which an empty database needs 27."""
import contextlib
import os
import signal

import psycopg2

import harness
import tap
from load import SENDERS, Load
from small_disk import SmallDisk

MB = 1024 * 1024
SIZE, LEFT = (256 * MB, 128 * MB) if os.environ.get('BOUNCED_SOAK') else (48 * MB, 2 * MB)
# So that it is the disk's size that counts.
NO_CHECKPOINTS = "checkpoint_timeout = '1h'", "max_wal_size = '4GB'"
PATIENCE = 5 * SIZE / MB
# Every page and every index entry of every table, read and compared.
CHECKS = ("SELECT relname, (verify_heapam(oid)).msg FROM pg_class WHERE relkind IN ('r', 't')",
          "SELECT bt_index_check(c.oid, true) FROM pg_class c JOIN pg_am a ON a.oid = c.relam"
          " WHERE amname = 'btree' AND relkind = 'i'")


def refused(load, codes):
    return sum(answer.code in codes for answer in load.answers())


def go_on(load, name):
    """There is room again: mail flows, all that was tried is stored once, and nothing is damaged."""
    load.wait_for_progress()
    load.drain()
    load.check()
    with load.service.connect() as database:
        harness.execute(database, 'CREATE EXTENSION amcheck')
        damaged = harness.rows(database, CHECKS[0])
        assert not damaged, damaged[:5]
        harness.rows(database, CHECKS[1])
    assert load.refused() <= {451, 452}, load.refused()
    counts = {code: refused(load, {code}) for code in sorted(load.refused())}
    print('# R6: %s: %d messages stored, refused %s' % (name, load.acknowledged(), counts))
    load.service.stop()


def test_data():
    disk = SmallDisk(SIZE, 'postgres')
    cluster = harness.Cluster(NO_CHECKPOINTS, data=os.path.join(disk.path, 'data'),
                              wal=os.path.join(harness.temporary_folder('postgres'), 'wal'))
    service = harness.Service(cluster).start()
    disk.fill(leave=LEFT)
    load = Load(service)
    harness.wait_for(lambda: refused(load, {452}) > 10 * SENDERS, 'mail is refused', PATIENCE, service.log)
    assert service.http.status('GET', '/v1/events') == 200, 'what is there can be read'
    assert load.refused() == {452}, load.refused()
    disk.free()
    load.wait_for_progress()

    # A checkpoint that finds no room ends every connection; PostgreSQL may not even start before there is some.
    def broken_down():
        disk.fill()
        with contextlib.suppress(psycopg2.OperationalError), cluster.connect() as connection:
            harness.execute(connection, 'CHECKPOINT')
        return refused(load, {451}) > SENDERS
    harness.wait_for(broken_down, 'PostgreSQL breaks down', PATIENCE, service.log)
    disk.free()
    cluster.start()
    go_on(load, 'data')


def test_write_ahead_log():
    """PostgreSQL stops when it cannot write there, and starts when it can."""
    disk = SmallDisk(SIZE, 'postgres')
    cluster = harness.Cluster(NO_CHECKPOINTS, wal=os.path.join(disk.path, 'wal'))
    service = harness.Service(cluster).start()
    disk.fill(leave=LEFT)
    load = Load(service)
    harness.wait_for(lambda: refused(load, {451, 452}) > 10 * SENDERS, 'mail is refused', PATIENCE, service.log)
    disk.free()
    cluster.start()
    go_on(load, 'write-ahead log')


def test_log():
    disk = SmallDisk(MB)
    service = harness.Service(harness.Cluster())
    service.log = os.path.join(disk.path, 'log')
    service.start()
    disk.fill()
    load = Load(service)
    load.wait_for_progress()
    # Of both there is much to say.
    os.kill(service.processes('ingest')[0], signal.SIGKILL)
    load.wait_for_progress()
    service.cluster.kill_backend(service.database)
    load.wait_for_progress()
    written = os.path.getsize(service.log)
    disk.free()
    service.process.send_signal(signal.SIGUSR1)
    harness.wait_for(lambda: os.path.getsize(service.log) > written, 'the log goes on')
    go_on(load, 'log')


tap.main(globals())
