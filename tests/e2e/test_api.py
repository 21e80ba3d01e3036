#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The way of a report from SMTP to every answer of the HTTP API, and what the API does by itself."""
import harness
import mail
import tap

service = harness.Service(harness.Cluster()).start()
http = service.http
ADDRESS = 'Jane.Doe@Recipient.EXAMPLE'
KEY = 'Jane.Doe@recipient.example'.lower()


def test_a_bounce_is_visible_everywhere():
    token = service.token(ref='1', address=ADDRESS, campaign=12)
    message = mail.dsn(token, ADDRESS, number='visible')
    report_id = mail.report_id(mail.deliver(service.smtp_port, token, message))

    report = http.get('/v1/reports/' + report_id)
    assert (report['kind'], report['format'], report['trust']) == ('bounce', 'rfc3464', 'verified'), report
    recipient, = report['recipients']
    assert recipient['address'] == ADDRESS and recipient['reason'] == 'userunknown', recipient
    assert report['original']['message_id'] == 'news-visible@sender.example', report
    status, headers, raw = http.request('GET', '/v1/reports/%s/raw' % report_id)
    assert status == 200 and raw == message
    assert headers['X-Content-Type-Options'] == 'nosniff'
    assert headers['Content-Disposition'].startswith('attachment')

    event, = http.all('/v1/events', address=KEY)
    assert event == http.get('/v1/events/' + event['id'])
    assert event['address'] == ADDRESS and event['report_id'] == report_id, event
    assert (event['status'], event['reply_code'], event['severity'], event['class'], event['effect']) == (
        '5.1.1', '550', 'hard', 'recipient', 'suppress'), event

    entry, = http.get('/v1/suppressions/' + ADDRESS)['results']
    assert (entry['stream'], entry['reason'], entry['origin']) == ('all', 'userunknown', 'bounce'), entry
    assert entry['evidence']['report_id'] == report_id, entry
    assert 'no such user here' in entry['evidence']['diagnostic'], entry
    assert entry['id'] in [e['id'] for e in http.all('/v1/suppressions', origin='bounce')]
    result, = http.ok('POST', '/v1/suppressions/check', {'addresses': [ADDRESS]})['results']
    assert (result['result'], result['mail']) == ('suppressed', False), result


def counted(**filters):
    rows = http.get('/v1/metrics', from_='2020-01-01T00:00:00Z', to='2100-01-01T00:00:00Z', interval='day',
                    **filters)['results']
    return sum(row['events'] for row in rows)


def test_metrics_move_once():
    before = counted(kind='bounce'), counted(campaign=99)
    token = service.token(ref='2', address='metrics@recipient.example', campaign=99)
    message = mail.dsn(token, 'metrics@recipient.example', number='metrics')
    first = mail.report_id(mail.deliver(service.smtp_port, token, message))
    assert mail.report_id(mail.deliver(service.smtp_port, token, message)) == first
    assert (counted(kind='bounce'), counted(campaign=99)) == (before[0] + 1, before[1] + 1)
    rows = http.get('/v1/metrics', from_='2020-01-01T00:00:00Z', to='2100-01-01T00:00:00Z', interval='day',
                    group_by='reason', campaign=99)['results']
    assert [(row['reason'], row['events']) for row in rows] == [('userunknown', 1)], rows


def test_suppressions_by_hand():
    path = '/v1/suppressions/by.hand@recipient.example'
    assert http.status('GET', path) == 404
    assert http.status('PUT', path, {'note': 'asked by phone'}) == 201
    assert http.status('PUT', path, {'note': 'asked by phone'}) == 200
    entry, = http.get(path)['results']
    assert (entry['origin'], entry['evidence']['note']) == ('manual', 'asked by phone'), entry
    assert http.status('DELETE', path) == 204
    assert http.status('GET', path) == 404
    assert http.status('DELETE', path) == 404
    assert http.status('PUT', '/v1/suppressions/nobody') == 400
    assert http.status('PUT', path, {'nonsense': 1}) in (400, 422)


def test_pages_are_complete():
    for number in range(25):
        http.ok('PUT', '/v1/suppressions/page%d@recipient.example' % number, {'reason': 'manual'})
    entries = http.all('/v1/suppressions', origin='manual', limit=7)
    found = {entry['address'] for entry in entries if entry['address'].startswith('page')}
    assert len(found) == 25 and len(entries) == len({entry['id'] for entry in entries})
    status, _, problem = http.request('GET', '/v1/suppressions?cursor=x')
    assert status == 400 and problem['status'] == 400, problem


def test_a_report_handed_over_by_http_counts_as_one_by_smtp():
    message = mail.dsn('anything@' + harness.DOMAIN, 'handed.over@recipient.example', number='http')
    made = http.ok('POST', '/v1/reports', message, content_type='message/rfc822')
    event, = http.all('/v1/events', address='handed.over@recipient.example')
    assert event['report_id'] == made['id'], (event, made)
    assert (event['trust'], event['effect']) == ('authenticated', 'suppress'), event
    assert http.get('/v1/reports/%s/raw' % made['id']) == message
    again = http.ok('POST', '/v1/reports', message, content_type='message/rfc822')
    assert again['id'] == made['id'] and again['duplicate'], again


def test_parse_keeps_nothing():
    message = mail.dsn('x@y.example', 'parsed@recipient.example', number='parse')
    report = http.ok('POST', '/v1/parse', message, content_type='message/rfc822')
    assert report['recipients'][0]['address'] == 'parsed@recipient.example', report
    assert http.all('/v1/events', address='parsed@recipient.example') == []
    printed = harness.json.loads(service.cli('parse', '-', input=message))
    for name in ('kind', 'format', 'recipients', 'reporting_mta', 'message_id', 'original'):
        assert printed[name] == report[name], (name, printed, report)


def test_tokens_made_by_the_api_are_taken_at_rcpt():
    token = service.token(ref='77', campaign=5)
    with mail.Smtp(service.smtp_port) as smtp:
        assert smtp.command('MAIL FROM:<>')[0] == 250
        assert smtp.command('RCPT TO:<%s>' % token)[0] == 250
        assert smtp.command('RCPT TO:<%s>' % token.upper())[0] == 250
        assert smtp.command('RCPT TO:<%s>' % token.replace(harness.DOMAIN, 'elsewhere.example'))[0] == 550
        assert smtp.command('RCPT TO:<postmaster@%s>' % harness.DOMAIN)[0] == 250


def test_everything_but_health_needs_a_key():
    nobody = harness.Http(service.http_port)
    wrong = harness.Http(service.http_port, service.key[:-4] + 'AAAA')
    reader = harness.Http(service.http_port, service.cli('key', 'create', '--account', 'demo', '--scopes',
                                                         'read').split()[-1])
    assert nobody.status('GET', '/healthz') == 200
    for client in (nobody, wrong):
        for path in ('/v1/events', '/v1/suppressions', '/v1/metrics', '/v1/nothing'):
            assert client.status('GET', path) == 401, path
    assert reader.status('GET', '/v1/events') == 200
    assert reader.status('PUT', '/v1/suppressions/scope@recipient.example') == 403
    assert reader.status('POST', '/v1/reports', b'x', content_type='message/rfc822') == 403
    key_id = reader.key.split('_')[1]
    service.cli('key', 'revoke', key_id)
    harness.wait_for(lambda: reader.status('GET', '/v1/events') == 401, 'a revoked key is refused')


def test_accounts_do_not_see_one_another():
    service.cli('account', 'create', 'other')
    other = harness.Http(service.http_port, service.cli('key', 'create', '--account', 'other', '--scopes',
                                                        'read,write').split()[-1])
    event, = http.all('/v1/events', address=KEY)
    assert other.status('GET', '/v1/events/' + event['id']) == 404
    assert other.status('GET', '/v1/reports/' + event['report_id']) == 404
    assert other.status('GET', '/v1/reports/%s/raw' % event['report_id']) == 404
    assert other.status('GET', '/v1/suppressions/' + KEY) == 404
    assert other.status('DELETE', '/v1/suppressions/' + KEY) == 404
    assert other.all('/v1/events') == [] and other.all('/v1/suppressions') == []
    assert http.status('GET', '/v1/suppressions/' + KEY) == 200


def test_stops_cleanly():
    service.stop()


tap.main(globals())
