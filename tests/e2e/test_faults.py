#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The n-th allocation, read, write, call of OpenSSL or of libpq fails in one process of the service as it
is shipped, for n from 1 on (faults.c makes it fail). The process may abort of it. Required: it is started
again, nobody is told 250 of a message that is not in the database, nothing is lost or refused for ever,
nothing is there twice, no descriptor is left over.

One sender hands in message after message, each until it is taken. n goes on until a message is taken,
from the connection to the reply, before the n-th call; at most 200, and with BOUNCED_SOAK=1 without end
and until ten are."""
import ctypes
import http.client
import json
import mmap
import os
import re
import time

import harness
import mail
import tap

SOAK = bool(os.environ.get('BOUNCED_SOAK'))
FAILURES = 100000 if SOAK else 200
ENOUGH = 10 if SOAK else 1  # messages that are taken before the failure
MEMORY, READ, WRITE, TLS, DATABASE = range(5)  # as in faults.c
# Milliseconds by which the service's clock is put ahead instead of waiting.
GOOD_RUN = 61000  # a process that ran so long and died is started again at once
RECONNECT = 100   # to the database
BATCH = 21000     # an answer of the database that libpq lost is waited for no longer
SILENT = 2        # seconds without a reply, real ones


class Faults:
    """The page that faults.c reads and counts in."""
    PID, KIND, LEFT, AHEAD = range(4)

    def __init__(self, path):
        self.path = path
        with open(path, 'wb') as file:
            file.write(bytes(mmap.PAGESIZE))
        with open(path, 'r+b') as file:
            # Numbers are written as a whole, for others to read.
            self.page = (ctypes.c_int32 * 4).from_buffer(mmap.mmap(file.fileno(), mmap.PAGESIZE))

    def arm(self, pid, kind, number):
        """The number-th call of that kind from now on fails in the process."""
        self.page[self.PID] = 0
        self.page[self.KIND] = kind
        self.page[self.LEFT] = number
        self.page[self.PID] = pid

    def pending(self):
        return self.page[self.LEFT] > 0

    def advance_clock(self, ms):
        self.page[self.AHEAD] += ms


def start():
    certificate, key = harness.certificate(harness.temporary_folder())
    made = harness.Service(harness.Cluster(), program=os.path.join(harness.ROOT, 'build/bounced'),
                           ingest__processes=1, ingest__parsers=1, http__threads=1,
                           tls__certificates=certificate, tls__keys=key)
    page = Faults(os.path.join(made.folder, 'faults'))
    made.environment = {'LD_PRELOAD': os.path.join(harness.ROOT, 'build/release/tests/e2e/faults.so'),
                        'BOUNCED_FAULTS': page.path}
    return made.start(), page


service, faults = start()
token = service.token(ref='1')
ledger = {}  # message number → report id that the answer named


def message(name):
    return mail.dsn(token, name + '@recipient.example', number=name)


# -- ways to hand a message in: each returns the report id, or None when it may be tried again --

def by_smtp(name, tls=False):
    try:
        with mail.Smtp(service.smtp_port, timeout=SILENT) as smtp:
            if tls:
                smtp.starttls()
            reply = smtp.deliver(token, message(name))
    except TimeoutError:
        faults.advance_clock(BATCH)
        return None
    except (OSError, EOFError):
        return None
    assert reply[0] in (250, 421, 451, 452), reply
    return mail.report_id(reply) if reply[0] == 250 else None


def by_tls(name):
    return by_smtp(name, tls=True)


def by_http(name):
    try:
        status, _, answer = service.http.request('POST', '/v1/reports', message(name), timeout=SILENT,
                                                 content_type='message/rfc822')
    except TimeoutError:
        faults.advance_clock(BATCH)
        return None
    except (OSError, http.client.HTTPException):
        return None
    assert status in (200, 201) or status >= 500, (status, answer)
    if status >= 500:
        return None
    # Without memory for the header Content-Type it still says what it stored.
    return (json.loads(answer) if isinstance(answer, bytes) else answer)['id']


def hand_in(name, way):
    def taken():
        report = way(name)
        if report is None:
            faults.advance_clock(RECONNECT)
        return report
    ledger[name] = harness.wait_for(taken, 'message %s is taken' % name, 30, service.log)


# -- the processes --

def process(role):
    def running():
        found = service.processes(role)
        return found and (role != 'parser' or harness.sandboxed(found[0])) and found[0]
    return harness.wait_for(running, 'the process %s runs' % role, 30, service.log)


def descriptors(pid):
    return len(os.listdir('/proc/%d/fd' % pid))


for begin in by_tls, by_http:
    hand_in(begin.__name__, begin)
usual = {role: descriptors(process(role)) for role in ('ingest', 'api', 'parser')}


# -- the campaigns --

def until_failed(pid, role, kind, number, name, way):
    """Hands messages in until the number-th call failed; returns how many were taken before it."""
    faults.arm(pid, kind, number)
    tries = 0
    # A process that died of something else takes its count with it.
    while faults.pending() and not (tries and process(role) != pid):
        hand_in('%s-%d-%d' % (name, number, tries), way)
        tries += 1
    return tries - 1


def go(role, kind, way, name):
    """Lets the n-th call fail for each n in turn."""
    hand_in(name, way)
    pid, died, before = process(role), 0, 0
    number, began = 0, time.monotonic()
    while number < FAILURES and before < ENOUGH:
        number += 1
        before = until_failed(pid, role, kind, number, name, way)
        # The supervisor looks at the clock; a parser that starts just now has a deadline.
        if role != 'parser':
            faults.advance_clock(GOOD_RUN)
        last, pid = pid, process(role)
        died += pid != last
    faults.arm(0, 0, 0)
    hand_in(name + '-after', way)
    print('# %s: %d failures, %d processes died of one, %.1f s' % (
        name, number, died, time.monotonic() - began), flush=True)
    harness.wait_for(lambda: descriptors(process(role)) <= usual[role],
                     'no descriptor of the process %s is left over' % role, 10, service.log)


def check():
    """The database holds what the ledger says, once, and nothing else."""
    with service.connect() as database:
        stored = harness.rows(database, 'SELECT raw, report_id::text FROM report_raw')
        kinds = dict(harness.rows(database, 'SELECT report_id::text, kind FROM report'))
        events = harness.column(database, "SELECT address FROM event WHERE kind = 'bounce'")
    names = [re.search(rb'Message-ID: <dsn-(.*)@mta', raw).group(1).decode() for raw, _ in stored]
    reports = dict(zip(names, (report for _, report in stored)))
    assert len(reports) == len(names) == len(kinds), 'a message is stored twice'
    wrong = {name for name in ledger.keys() | reports.keys() if ledger.get(name) != reports.get(name)}
    assert not wrong, 'lost, or never acknowledged: %s' % sorted(wrong)[:10]
    assert set(kinds.values()) <= {'bounce', 'quarantined'}, set(kinds.values())
    assert len(set(events)) == len(events) == list(kinds.values()).count('bounce'), len(events)
    quarantined = {name for name, report in ledger.items() if kinds[report] == 'quarantined'}
    print('# %d messages acknowledged and stored once, %d of them quarantined' % (
        len(ledger), len(quarantined)))
    # Only who loses the parser in the middle of a message takes the message for the cause.
    assert all(re.match('(ingest|tls|api)-(read|write)|parser-', name) for name in quarantined), quarantined


def test_ingest():
    for kind, name in ((MEMORY, 'memory'), (READ, 'read'), (WRITE, 'write'), (DATABASE, 'database')):
        go('ingest', kind, by_smtp, 'ingest-' + name)
    check()


def test_ingest_over_tls():
    for kind, name in ((MEMORY, 'memory'), (READ, 'read'), (WRITE, 'write'), (TLS, 'openssl')):
        go('ingest', kind, by_tls, 'tls-' + name)
    check()


def test_api():
    for kind, name in ((MEMORY, 'memory'), (READ, 'read'), (WRITE, 'write'), (DATABASE, 'database')):
        go('api', kind, by_http, 'api-' + name)
    check()


def test_parser():
    """A message that a parser died of is kept raw."""
    for kind, name in ((MEMORY, 'memory'), (READ, 'read'), (WRITE, 'write')):
        go('parser', kind, by_smtp, 'parser-' + name)
    check()


def test_stops_cleanly():
    service.stop()


tap.main(globals())
