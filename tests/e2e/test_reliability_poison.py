#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""R11: among many good messages, some that kill the parser, some that it never comes back from, and some
with an address header that crashes GMime. Each is kept raw and answered 250 and costs one parser child at
most; no good message is lost, and hardly one is held up.

BOUNCED_SOAK=1: 200 among 100,000 instead of 20 among 2,000."""
import json
import os
import threading

import harness
import mail
import tap
from load import SENDERS, Load, messages, percentile

POISON, EACH = (200, 500) if os.environ.get('BOUNCED_SOAK') else (20, 100)
GOOD = POISON * EACH
ALONE = 2000  # good messages that come before
# Of ten: a hang takes two seconds, and half of what a process has for parsing.
KINDS = ['crash'] * 6 + ['groups'] * 3 + ['hang']
PROGRAM = os.path.join(os.path.dirname(harness.BOUNCED), 'tests/e2e/poisoned')


def poisoned(kind, number):
    if kind == 'groups':
        return mail.lines('Subject: %d' % number, 'To: ' + 'g:' * 50000, '', 'body')
    return mail.lines('Subject: %d' % number, 'X-Poison: ' + kind, '', 'body')


class Poisoner(threading.Thread):
    """Sends one message."""

    def __init__(self, service, token, message):
        super().__init__(daemon=True)
        self.service = service
        self.token = token
        self.message = message
        self.reply = None
        self.start()

    def run(self):
        self.reply = mail.deliver(self.service.smtp_port, self.token, self.message)


def replaced(service):
    with open(service.log, errors='replace') as file:
        return [json.loads(line) for line in file if '"parser_child_replaced"' in line]


def check_quarantined(service, poisoner):
    report = service.http.get('/v1/reports/' + mail.report_id(poisoner.reply))
    assert report['kind'] == 'quarantined', report
    assert service.http.get('/v1/reports/%s/raw' % report['id']) == poisoner.message


def test_poison_among_good_messages():
    service = harness.Service(harness.Cluster(), program=PROGRAM).start()
    token = service.token(ref='1000')
    tokens = service.tokens([(str(n + 1), None, None) for n in range(SENDERS)])
    load = Load(service, [messages(n, each, (ALONE + GOOD) // SENDERS) for n, each in enumerate(tokens)])
    poisoners = []
    for number in range(POISON):
        harness.wait_for(lambda: load.acknowledged() >= ALONE + number * EACH, 'good messages are stored', 600,
                         service.log)
        message = poisoned(KINDS[number % len(KINDS)], number)
        poisoners.append(Poisoner(service, token, message))
        if number == 0:
            alone = load.answers()
    load.join(GOOD / 20)
    harness.wait_for(lambda: all(poisoner.reply for poisoner in poisoners), 'every poison is answered', 60)
    load.check()
    assert load.acknowledged() == ALONE + GOOD, load.acknowledged()
    assert not load.refused(), load.refused()
    for poisoner in poisoners:
        check_quarantined(service, poisoner)
    deadly = [kind for kind in (KINDS * POISON)[:POISON] if kind != 'groups']
    assert len(replaced(service)) == len(deadly), (len(replaced(service)), len(deadly))
    before = [answer.seconds for answer in alone]
    among = [answer.seconds for answer in load.answers() if answer.begin >= alone[-1].begin]
    delayed = sum(seconds > 1 for seconds in among)
    print('# R11: %d poisoned among %d: %d parsers replaced; p99 %.0f ms, alone %.0f ms; %d took more than 1 s' % (
        POISON, len(among), len(deadly), 1000 * percentile(among, 99), 1000 * percentile(before, 99), delayed))
    assert percentile(among, 90) < percentile(before, 90) + 1
    service.stop()


tap.main(globals())
