#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Feedback reports: what counts is the token that the sender planted, not what the report names."""
import harness
import mail
import tap

service = harness.Service(harness.Cluster()).start()


def check(**question):
    return service.http.ok('POST', '/v1/suppressions/check', question)['results']


def submit(message, recipient):
    return mail.report_id(mail.deliver(service.smtp_port, recipient, message))


def test_a_redacted_report_suppresses_the_ref_of_the_returned_token():
    token = service.token(ref='9001', campaign=3)
    assert check(refs=['9001'])[0]['result'] == 'clear'
    report = submit(mail.arf('fbl@' + harness.DOMAIN, token), 'fbl@' + harness.DOMAIN)

    found, other = check(refs=['9001', '9002'])
    assert (found['result'], found['mail'], found['origin']) == ('suppressed', False, 'complaint'), found
    assert found['report_id'] == report, found
    assert other['result'] == 'clear', other
    entry, = service.http.get('/v1/suppressions/ref:9001')['results']
    assert entry['ref'] == '9001' and entry['address'] is None, entry
    event, = service.http.all('/v1/events', ref='9001')
    assert (event['kind'], event['trust'], event['campaign'], event['effect']) == (
        'complaint', 'verified', 3, 'suppress'), event
    assert check(addresses=['redacted@redacted.invalid'])[0]['result'] == 'clear'


def test_a_forged_report_changes_nothing():
    token = service.token(ref='9003')
    forged = token.replace('@', 'a@')
    report = submit(mail.arf('fbl@' + harness.DOMAIN, forged, number=2), 'fbl@' + harness.DOMAIN)
    assert service.http.get('/v1/reports/' + report)['trust'] == 'unverified'
    assert check(refs=['9003'])[0]['result'] == 'clear'


def test_a_token_cannot_suppress_an_address_that_it_does_not_commit_to():
    """Who knows his own return path could otherwise have anybody suppressed."""
    token = service.token(ref='9004', address='own@recipient.example')
    report = submit(mail.dsn(token, 'victim@recipient.example', number='forward'), token)
    event, = service.http.all('/v1/events', ref='9004')
    assert (event['trust'], event['effect']) == ('forwarded', 'none'), event
    assert event['report_id'] == report
    results = check(addresses=['victim@recipient.example', 'own@recipient.example'], refs=['9004'])
    assert [result['result'] for result in results] == ['clear'] * 3, results


def test_a_bare_token_suppresses_its_ref_and_no_address():
    token = service.token(ref='9005')
    submit(mail.dsn(token, 'someone@recipient.example', number='bare'), token)
    results = check(addresses=['someone@recipient.example'], refs=['9005'])
    assert [result['result'] for result in results] == ['clear', 'suppressed'], results


def test_stops_cleanly():
    service.stop()


tap.main(globals())
