# SPDX-License-Identifier: Apache-2.0
"""Senders at work while a test breaks or changes things. They keep a ledger and try again, as mail
servers do."""
import threading

import harness
import mail

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
        self.broken = []  # connections refused or lost
        self.stopping = threading.Event()

    def run(self):
        while not self.stopping.is_set():
            try:
                self.session()
            except (OSError, EOFError) as error:
                self.broken.append(repr(error))

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

    def stored(self):
        """Messages whose 250 came, after nothing was refused and no connection lost."""
        self.finish()
        self.check()
        broken = [error for sender in self.senders for error in sender.broken]
        refused = set().union(*(sender.refused for sender in self.senders))
        assert not broken and not refused, (broken[:5], refused)
        return self.acknowledged()

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
