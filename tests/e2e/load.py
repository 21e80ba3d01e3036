# SPDX-License-Identifier: Apache-2.0
"""Senders at work while a test breaks or changes things. They keep a ledger and try again, as mail
servers do."""
import collections
import itertools
import threading
import time

import harness
import mail

SENDERS = 8
PER_SESSION = 20
# After a failure: a sender that tried again at once would only burn the processor.
RETRY_SECONDS = 0.02

# number of mail.dsn() is `name`: the report in the database is found by it.
Mail = collections.namedtuple('Mail', 'name token message')
# code 0: the connection was refused or lost; begin: of time.monotonic(); seconds: until the answer, with
# connecting where that was needed
Answer = collections.namedtuple('Answer', 'code begin seconds')


def messages(number, token, count=None):
    """So many messages, or endlessly many, about ever new recipients and all under one return path."""
    for at in itertools.count() if count is None else range(count):
        name = '%d-%d' % (number, at)
        yield Mail(name, token, mail.dsn(token, name + '@recipient.example', number=name))


def percentile(values, percent):
    return sorted(values)[(len(values) - 1) * percent // 100]


class Sender(threading.Thread):
    """Sends one message after another; what is not answered 250 is sent again."""

    def __init__(self, load, mails):
        super().__init__(daemon=True)
        self.load = load
        self.mails = mails
        self.smtp = None
        self.left = 0  # messages of this session
        self.ledger = {}  # name → report id that its 250 named
        self.deferred = collections.deque()  # tried, and still to be sent
        self.answers = []
        self.broken = []  # errors of connections refused or lost
        self.failure = None  # a reply that must not be

    def run(self):
        try:
            self.work()
        except AssertionError as error:
            self.failure = error
            raise

    def work(self):
        for message in self.mails:
            self.attempt(message)
            if not self.load.queueing:
                self.send_deferred()
            if self.load.stopping.is_set():
                break
            self.load.stopping.wait(self.load.pause)
        self.send_deferred()
        self.hang_up()

    def send_deferred(self):
        while self.deferred and not self.load.abandoned.is_set():
            self.load.abandoned.wait(RETRY_SECONDS)
            self.attempt(self.deferred.popleft())

    def attempt(self, message):
        begin = time.monotonic()
        try:
            if not self.smtp:
                self.smtp, self.left = mail.Smtp(self.load.service.smtp_port), PER_SESSION
            reply = self.smtp.deliver(message.token, message.message)
        except (OSError, EOFError) as error:
            self.broken.append(repr(error))
            reply = 0, ''
        self.answers.append(Answer(reply[0], begin, time.monotonic() - begin))
        self.left -= 1
        if reply[0] == 250:
            self.ledger[message.name] = mail.report_id(reply)
        else:
            self.deferred.append(message)
        if reply[0] != 250 or self.left == 0:
            self.hang_up()

    def hang_up(self):
        if self.smtp:
            self.smtp.close()
        self.smtp = None


class Load:
    """The senders. mails: an iterator for each of them, for as long as it lasts; pause: seconds between two
    messages of a sender; queueing: what was refused waits until all else was tried."""

    def __init__(self, service, mails=None, pause=0.0, queueing=False):
        self.service = service
        self.pause = pause
        self.queueing = queueing
        self.stopping = threading.Event()  # no new messages
        self.abandoned = threading.Event()  # nor those that were refused
        if mails is None:
            tokens = service.tokens([(str(n + 1), None, None) for n in range(SENDERS)])
            mails = [messages(n, token) for n, token in enumerate(tokens)]
        self.senders = [Sender(self, each) for each in mails]
        for sender in self.senders:
            sender.start()

    def acknowledged(self):
        return sum(len(sender.ledger) for sender in self.senders)

    def ledger(self):
        return {name: report for sender in self.senders for name, report in sender.ledger.items()}

    def answers(self):
        return [answer for sender in self.senders for answer in list(sender.answers)]

    def refused(self):
        """The codes other than 250 that were heard."""
        return {answer.code for answer in self.answers()} - {0, 250}

    def wait_for_progress(self, seconds=60):
        """Every round begins with mail flowing again."""
        goal = self.acknowledged() + len(self.senders)
        harness.wait_for(lambda: self.acknowledged() >= goal, 'mail flows', seconds, self.service.log)

    def finish(self):
        """Stops, whatever was not answered yet."""
        self.abandoned.set()
        self.drain()

    def drain(self, seconds=90):
        """No new messages; those that were tried are sent until each is answered 250."""
        self.stopping.set()
        self.join(seconds)

    def join(self, seconds):
        """Waits until the senders have nothing left to send."""
        harness.wait_for(lambda: not any(sender.is_alive() for sender in self.senders),
                         'the senders are done', seconds, self.service.log)
        assert not any(sender.failure for sender in self.senders)

    def stored(self):
        """Messages whose 250 came, after nothing was refused and no connection lost."""
        self.finish()
        self.check()
        broken = [error for sender in self.senders for error in sender.broken]
        assert not broken and not self.refused(), (broken[:5], self.refused())
        return self.acknowledged()

    def check(self):
        """Each 250 names a report that is there, of the message that it answered; nothing is there
        twice; what was never acknowledged is there once at most."""
        ledger = self.ledger()
        unanswered = {message.name for sender in self.senders for message in sender.deferred}
        assert len(set(ledger.values())) == len(ledger)
        with self.service.connect() as database:
            # Messages that stand in no ledger may be there: such as nobody can read.
            stored = harness.rows(database, "SELECT detail->>'message_id', report_id::text FROM report"
                                  " WHERE kind <> 'quarantined'")
            reports = {name[len('dsn-'):-len('@mta.example')]: report for name, report in stored}
            assert len(reports) == len(stored), 'a message is stored twice'
            lost = {name for name, report in ledger.items() if reports.get(name) != report}
            assert not lost, 'lost: %s' % sorted(lost)[:10]
            assert reports.keys() <= ledger.keys() | unanswered, 'stored, and never sent'
            events = harness.column(database, "SELECT address FROM event WHERE kind <> 'quarantined'")
            assert len(events) == len(set(events)), 'an event is there twice'
            assert len(events) == len(reports), (len(events), len(reports))
            raw, every = harness.rows(database, 'SELECT (SELECT count(*) FROM report_raw), count(*) FROM report')[0]
            assert raw == every, (raw, every)
            counted = harness.single(database, "SELECT sum(events)::bigint FROM rollup_hour"
                                     " WHERE kind <> 'quarantined'")
            assert counted == len(events), (counted, len(events))
        assert self.refused() <= {451, 452, 421}, self.refused()
