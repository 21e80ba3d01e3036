#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""R3: the answer to one COMMIT in ten is lost, and the connection with it. Nobody can know then whether the
batch was stored: it is answered 451, comes again, and must count once, in everything that counts.

BOUNCED_SOAK=1 sends 50,000 messages instead of 2,000."""
import collections
import os

import harness
import mail
import tap
from load import Load, Mail
from postgres_proxy import PostgresProxy

MESSAGES = 50000 if os.environ.get('BOUNCED_SOAK') else 2000
SENDERS = 16
HARD = {'status': '5.1.1', 'diagnostic': '550 5.1.1 <%s>: no such user here'}
SOFT = {'status': '5.2.2', 'diagnostic': '552 5.2.2 <%s>: mailbox is full'}


def mails_of(service):
    """For each sender: every third message is soft, the others suppress an address of their own."""
    wanted = [('%d' % (n + 1), 'r%d@recipient.example' % n, None) for n in range(MESSAGES)]
    tokens = service.tokens(wanted)

    def of_sender(sender):
        for n in range(sender, MESSAGES, SENDERS):
            yield Mail(str(n), tokens[n], mail.dsn(tokens[n], wanted[n][1], number=n,
                                                   **(SOFT if n % 3 == 0 else HARD)))
    return [of_sender(sender) for sender in range(SENDERS)]


def check_counts(service):
    hard = sum(n % 3 != 0 for n in range(MESSAGES))
    expected = {'userunknown': (hard, hard), 'mailboxfull': (MESSAGES - hard, 0)}
    with service.connect() as database:
        counted = {reason: (events, suppressed) for reason, events, suppressed in harness.rows(
            database, 'SELECT reason, sum(events)::bigint, sum(suppressed)::bigint FROM rollup_hour'
            ' GROUP BY reason')}
        assert counted == expected, (counted, expected)
        reasons = dict(harness.rows(database, 'SELECT reason, count(*) FROM event GROUP BY reason'))
        assert reasons == {reason: events for reason, (events, _) in expected.items()}, reasons
        suppressed = harness.rows(database, 'SELECT address, change_number FROM suppression')
        addresses = collections.Counter(address for address, _ in suppressed)
        assert addresses == {'r%d@recipient.example' % n: 1 for n in range(MESSAGES) if n % 3}
        # Nothing took a number that it did not use: a batch that came again found all its keys taken.
        assert sorted(number for _, number in suppressed) == list(range(1, hard + 1))
        last, = harness.column(database, "SELECT change_number FROM account WHERE name = 'demo'")
        assert last == hard, (last, hard)


def test_a_lost_answer_to_commit():
    cluster = harness.Cluster()
    proxy = PostgresProxy(cluster)
    service = harness.Service(cluster, database__ingest_dsn=proxy.dsn('bounced', 'bounced_ingest')).start()
    mails = mails_of(service)
    proxy.drop_commits = 0.1
    load = Load(service, mails)
    load.join(MESSAGES / 10)
    load.check()
    assert load.acknowledged() == MESSAGES, load.acknowledged()
    assert load.refused() == {451}, load.refused()
    check_counts(service)
    assert proxy.dropped > 0.05 * proxy.commits, (proxy.dropped, proxy.commits)
    lost = sum(answer.code == 451 for answer in load.answers())
    print('# R3: %d messages, %d of %d answers to COMMIT lost, 451 said %d times' % (
        MESSAGES, proxy.dropped, proxy.commits, lost))
    service.stop()


tap.main(globals())
