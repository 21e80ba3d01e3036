#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the service and of PostgreSQL under load: what was answered 250 is in the database, and
nothing is there twice. Senders keep a ledger and try again, as mail servers do.

BOUNCED_SOAK=1 runs ten times as many rounds."""
import os
import random
import signal
import threading
import time

import harness
import mail
import tap

ROUNDS = 200 if os.environ.get('BOUNCED_SOAK') else 20
SENDERS = 8
PER_SESSION = 20


class Sender(threading.Thread):
    """Sends message after message until stopped, each until it is answered 250."""

    def __init__(self, service, number, token):
        super().__init__(daemon=True)
        self.service = service
        self.number = number
        self.token = token
        self.sent = 0
        self.ledger = {}  # message number → report id that its 250 named
        self.refused = set()
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.is_set():
            try:
                self.session()
            except (OSError, EOFError):
                pass

    def session(self):
        with mail.Smtp(self.service.smtp_port, timeout=60) as smtp:
            for _ in range(PER_SESSION):
                if self.stopping.is_set():
                    return
                name = '%d-%d' % (self.number, self.sent)
                reply = smtp.deliver(self.token, mail.dsn(self.token, name + '@recipient.example',
                                                          number=name))
                if reply[0] != 250:
                    self.refused.add(reply[0])
                    return
                self.ledger[name] = mail.report_id(reply)
                self.sent += 1


class Load:
    """Senders at work while the test breaks things."""

    def __init__(self, service):
        self.service = service
        tokens = service.tokens([(str(n + 1), None, None) for n in range(SENDERS)])
        self.senders = [Sender(service, n, token) for n, token in enumerate(tokens)]
        for sender in self.senders:
            sender.start()

    def acknowledged(self):
        return sum(len(sender.ledger) for sender in self.senders)

    def wait_for_progress(self):
        """Every round begins with mail flowing again."""
        goal = self.acknowledged() + SENDERS
        harness.wait_for(lambda: self.acknowledged() >= goal, 'mail flows', 60, self.service.log)

    def finish(self):
        for sender in self.senders:
            sender.stopping.set()
        for sender in self.senders:
            sender.join(90)
            assert not sender.is_alive()

    def check(self):
        """Each 250 names a report that is there, of the message that it answered; nothing is there
        twice; what was never acknowledged is there once at most."""
        ledger = {name: report for s in self.senders for name, report in s.ledger.items()}
        assert len(set(ledger.values())) == len(ledger)
        with self.service.connect() as database:
            stored = harness.rows(database, "SELECT detail->>'message_id', report_id::text FROM report")
            reports = {name[len('dsn-'):-len('@mta.example')]: report for name, report in stored}
            assert len(reports) == len(stored), 'a message is stored twice'
            lost = {name for name, report in ledger.items() if reports.get(name) != report}
            assert not lost, 'lost: %s' % sorted(lost)[:10]
            assert len(reports) <= len(ledger) + SENDERS, (len(reports), len(ledger))
            events = harness.column(database, 'SELECT address FROM event')
            assert len(events) == len(set(events)), 'an event is there twice'
            assert len(events) == len(reports), (len(events), len(reports))
            raw = harness.single(database, 'SELECT count(*) FROM report_raw')
            assert raw == len(reports), (raw, len(reports))
            counted = harness.single(database, 'SELECT sum(events)::bigint FROM rollup_hour')
            assert counted == len(events), (counted, len(events))
        refused = set().union(*(sender.refused for sender in self.senders))
        assert refused <= {451, 452, 421}, refused


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
