#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What is done by the clock: reports authenticated again once DNS answers, partitions, retention, expiry."""
import contextlib
import os
import signal

import dkim
import dns
import harness
import mail
import tap

REPORTER = 'report@fbl.example'
ENVELOPE = 'bounce@fbl.example'
RECIPIENT = 'fbl@' + harness.DOMAIN
FOLDER = harness.temporary_folder()

signer = dkim.Signer(FOLDER, 'fbl.example', 's1')
stranger = dkim.Signer(FOLDER, 'stranger.example', 's1')
forger = dkim.Signer(harness.temporary_folder(), 'fbl.example', 's1')
# A selector for each report, since an answer that is in a cache needs no server.
SELECTORS = iter(['s%d' % i for i in range(100)])
server = dns.Server({'s%d._domainkey.fbl.example' % i: [dns.txt(signer.record()[1])] for i in range(100)})
REPORTERS = os.path.join(FOLDER, 'reporters')
with open(REPORTERS, 'w') as file:
    file.write('provider dkim=fbl.example from=%s envelope=fbl.example\n' % REPORTER)
service = harness.Service(harness.Cluster(), dns__server=server.address, dns__timeout_ms=100,
                          auth__reporters=REPORTERS, jobs__interval_ms=50, jobs__maintenance_interval_ms=50,
                          # no attempt but those that a test asks for
                          jobs__retry_ms=3600000).start()


# -- helpers --

@contextlib.contextmanager
def silent_dns():
    server.silent = True
    try:
        yield
    finally:
        server.silent = False


def sql(statement, *values):
    with service.connect() as connection, connection.cursor() as cursor:
        cursor.execute(statement, values)
        return cursor.fetchall() if cursor.description else None


def number(query, *values):
    return sql('SELECT (%s)::bigint' % query, *values)[0][0]


def report(victim, number_, reporter=REPORTER):
    return mail.arf(RECIPIENT, 'news@sender.example', reporter, victim, 'jobs-%s' % number_)


def submit(message, sender=ENVELOPE):
    return mail.report_id(mail.deliver(service.smtp_port, RECIPIENT, message, sender))


def stored(report_id):
    return service.http.get('/v1/reports/' + report_id)


def result_for(address):
    return service.http.ok('POST', '/v1/suppressions/check', {'addresses': [address]})['results'][0]


def attempts(report_id):
    rows = sql('SELECT attempts FROM pending_authentication WHERE report_id = %s', report_id)
    return rows[0][0] if rows else None


def make_due(*report_ids):
    sql('UPDATE pending_authentication SET next_at = now() WHERE report_id = ANY (%s::uuid[])', list(report_ids))


def asking():
    """The jobs process is at a report: it has a thread for DNS then, or a parser child."""
    return any(harness.children_of(pid) or len(os.listdir('/proc/%d/task' % pid)) > 1
               for pid in service.processes('jobs'))


def attempted():
    """Reports that were tried again, attempts in all."""
    return sum(line['reports'] for line in service.events('authentication_attempted'))


def submit_silently(victims, number_, with_=signer):
    """Reports that are received, and tried a first time, while DNS does not answer."""
    before = attempted()
    report_ids = []
    with silent_dns():
        for i, victim in enumerate(victims):
            with_.selector = next(SELECTORS)
            report_ids.append(submit(with_.sign(report(victim, '%s-%d' % (number_, i)))))
        harness.wait_for(lambda: attempted() == before + len(victims), 'each was tried once', 60, service.log)
    return report_ids


def decided(report_id):
    harness.wait_for(lambda: attempts(report_id) is None, 'the report is decided', 30, service.log)
    return stored(report_id)


def counts():
    """(trust, events, suppressed) of all complaints."""
    results = service.http.ok('GET', '/v1/metrics?from=2020-01-01&to=2100-01-01&interval=day&group_by=trust'
                              '&kind=complaint')['results']
    return {row['trust']: (row['events'], row['suppressed']) for row in results}


# -- authentication --

def test_a_report_gets_its_effects_when_dns_answers():
    victim = 'later@recipient.example'
    report_id, = submit_silently([victim], 1)
    before = stored(report_id)
    assert before['trust'] == 'unverified', before
    assert before['authentication']['dkim'][0]['result'] == 'temperror', before
    assert before['authentication']['reporter'] is None, before
    assert result_for(victim)['result'] == 'clear'
    assert counts() == {'unverified': (1, 0)}, counts()

    make_due(report_id)
    after = decided(report_id)
    assert after['trust'] == 'authenticated', after
    assert after['authentication']['reporter'] == 'provider', after
    assert after['authentication']['dkim'][0]['result'] == 'pass', after
    assert after['events'] == before['events'], (before, after)
    event = service.http.get('/v1/events/' + after['events'][0])
    assert (event['trust'], event['effect'], event['address'], event['late']) == (
        'authenticated', 'suppress', victim, False), event

    entry, = service.http.get('/v1/suppressions/' + victim)['results']
    evidence = entry['evidence']
    assert (entry['origin'], entry['stream'], entry['policy']) == (
        'complaint', 'marketing', 'default/complaint'), entry
    assert (evidence['report_id'], evidence['trust'], evidence['peer']) == (
        report_id, 'authenticated', '127.0.0.1'), evidence
    assert counts() == {'authenticated': (1, 1)}, counts()
    line = service.events('authenticated_again')[-1]
    assert (line['report'], line['reporter'], line['attempt']) == (report_id, 'provider', 2), line


def test_what_cannot_be_proven_by_an_answer_is_not_asked_again():
    """Else anybody could have us ask about anything for a day."""
    before = number('SELECT count(*) FROM pending_authentication')
    with silent_dns():
        submit(stranger.sign(report('a@recipient.example', 2, 'report@stranger.example')), 'bounce@stranger.example')
        submit(report('a@recipient.example', 3))
        submit(mail.arf(RECIPIENT, service.token(ref='5'), REPORTER, 'a@recipient.example', 'jobs-token'))
    assert number('SELECT count(*) FROM pending_authentication') == before


def test_a_forgery_stays_what_it_is():
    victim = 'forged@recipient.example'
    report_id, = submit_silently([victim], 4, forger)
    make_due(report_id)
    after = decided(report_id)
    assert (after['trust'], after['authentication']['reporter']) == ('unverified', None), after
    assert after['authentication']['dkim'][0]['result'] == 'fail', after
    assert result_for(victim)['result'] == 'clear'


def test_an_account_that_observes_suppresses_nobody():
    victim = 'observed@recipient.example'
    report_id, = submit_silently([victim], 5)
    service.cli('account', 'set', 'demo', 'mode=observe')
    try:
        make_due(report_id)
        event = service.http.get('/v1/events/' + decided(report_id)['events'][0])
    finally:
        service.cli('account', 'set', 'demo', 'mode=enforce')
    assert (event['trust'], event['effect']) == ('authenticated', 'would_suppress'), event
    assert result_for(victim)['result'] == 'clear'


def test_after_a_day_it_stays_what_it_is():
    victim = 'old@recipient.example'
    report_id, = submit_silently([victim], 6)
    sql("UPDATE pending_authentication SET received_at = received_at - interval '1 day', next_at = now()"
        ' WHERE report_id = %s', report_id)
    after = decided(report_id)
    assert after['trust'] == 'unverified', after
    assert after['authentication']['dkim'][0]['result'] == 'temperror', after
    assert result_for(victim)['result'] == 'clear'
    assert service.events('never_authenticated')[-1]['reports'] == 1


def test_two_hosts_and_a_crash_apply_everything_once():
    victims = ['crowd%d@recipient.example' % i for i in range(40)]
    reports = submit_silently(victims, 'crowd')
    before = counts()
    changes = number("SELECT change_number FROM account WHERE name = 'demo'")
    other_log = os.path.join(FOLDER, 'other.log')
    other = harness.start_process([service.program, '-c', service.configuration, 'serve', '--role', 'jobs'],
                                  other_log, death_signal=signal.SIGTERM)
    try:
        for _ in range(3):
            make_due(*reports)
            harness.wait_for(lambda: asking() or not any(map(attempts, reports)), 'jobs are at work', 30, service.log)
            for pid in service.processes('jobs'):
                os.kill(pid, signal.SIGKILL)
        harness.wait_for(lambda: make_due(*reports) or not any(map(attempts, reports)), 'all are decided', 60,
                         service.log)
        for report_id, victim in zip(reports, victims):
            assert stored(report_id)['trust'] == 'authenticated'
            assert result_for(victim)['report_id'] == report_id
    finally:
        other.send_signal(signal.SIGTERM)
        assert other.wait(35) == 0, harness.tail(other_log)
    assert number("SELECT change_number FROM account WHERE name = 'demo'") == changes + len(victims)
    after = counts()
    events, suppressed = before.get('authenticated', (0, 0))
    assert after['authenticated'] == (events + len(victims), suppressed + len(victims)), (before, after)
    assert before['unverified'][0] - after['unverified'][0] == len(victims), (before, after)
    assert number('SELECT count(*) FROM event WHERE address_key LIKE %s', 'crowd%') == len(victims)
    harness.wait_for(lambda: service.processes('jobs'), 'jobs run again')


# -- partitions, retention, expiry --

def test_partitions_come_and_go():
    def partitions(parent):
        return {name for (name,) in sql('SELECT inhrelid::regclass::text FROM pg_inherits'
                                        ' WHERE inhparent = %s::regclass', parent)}
    before = partitions('report_raw')
    events = partitions('event')
    sql('DROP TABLE ' + max(before))
    # raw messages of two months ago are past their time, events are not
    sql("SELECT ensure_partitions(now() - interval '60 days')")
    harness.wait_for(lambda: partitions('report_raw') == before, 'the new one is made, the old ones are dropped', 30,
                     service.log)
    assert partitions('event') > events
    harness.wait_for(lambda: len(service.events('partition_dropped')) == 9, 'it is logged', 30, service.log)


def test_keys_of_old_messages_go():
    total = number('SELECT count(*) FROM ingest_key')
    sql("UPDATE ingest_key SET received_at = received_at - interval '15 days' WHERE key IN"
        " (SELECT key FROM ingest_key LIMIT 3)")
    harness.wait_for(lambda: number('SELECT count(*) FROM ingest_key') == total - 3, 'they are deleted', 30,
                     service.log)
    assert number('SELECT count(*) FROM event_key') > 0


def test_a_suppression_that_ends_is_told_as_removed():
    service.http.ok('PUT', '/v1/suppressions/ends@recipient.example', {'expires_at': '2099-01-01T00:00:00Z'})
    changes = number("SELECT change_number FROM account WHERE name = 'demo'")
    sql("UPDATE suppression SET expires_at = now() WHERE address_key = 'ends@recipient.example'")
    harness.wait_for(lambda: number("SELECT count(*) FROM suppression WHERE address_key = 'ends@recipient.example'"
                                    ' AND removed_at IS NOT NULL AND change_number = %s', changes + 1) == 1,
                     'it is a tombstone', 30, service.log)
    assert result_for('ends@recipient.example')['result'] == 'clear'


def test_a_legacy_pattern_that_ends_is_told():
    service.cli('domain', 'pattern', 'add', harness.DOMAIN, 'soon-{ref}')
    service.cli('domain', 'pattern', 'add', harness.DOMAIN, 'later-{ref}')
    sql("UPDATE legacy_pattern SET expires_at = now() + interval '3 days 1 hour' WHERE template = 'soon-{ref}'")
    # it looks when it starts, and then once a day
    os.kill(service.processes('jobs')[0], signal.SIGKILL)
    alert, = harness.wait_for(lambda: service.events('alert'), 'it is told', 30, service.log)
    assert (alert['alert'], alert['domain'], alert['template'], alert['days']) == (
        'legacy_pattern_ends', harness.DOMAIN, 'soon-{ref}', 3), alert


def test_jobs_go_on_when_the_database_is_back():
    pids = service.processes('jobs')
    service.http.ok('PUT', '/v1/suppressions/back@recipient.example', {'expires_at': '2099-01-01T00:00:00Z'})
    service.cluster.stop()
    harness.wait_for(lambda: service.events('job_failed'), 'it is noticed', 30, service.log)
    service.cluster.start()
    sql("UPDATE suppression SET expires_at = now() WHERE address_key = 'back@recipient.example'")
    harness.wait_for(lambda: number("SELECT count(*) FROM suppression WHERE address_key = 'back@recipient.example'"
                                    ' AND removed_at IS NOT NULL') == 1, 'it has ended', 60, service.log)
    assert service.processes('jobs') == pids, 'a process was started again'


def test_without_jobs_mail_is_taken():
    """Ingest makes the partitions that it needs by itself."""
    service.stop()
    for parent in ('report_raw', 'report', 'event'):
        for (name,) in sql('SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = %s::regclass', parent):
            sql('DROP TABLE ' + name)
    log = os.path.join(FOLDER, 'ingest.log')
    process = harness.start_process([service.program, '-c', service.configuration, 'serve', '--role', 'ingest'],
                                    log, death_signal=signal.SIGTERM)
    try:
        harness.wait_for(service.takes_mail, 'it takes mail', 60, log)
        submit(signer.sign(report('alone@recipient.example', 'alone')))
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(35) == 0, harness.tail(log)


tap.main(globals())
