#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Feedback reports without a token: who proves to be a known reporter may name whom to suppress."""
import itertools
import os
import signal
import time

import dkim
import dns
import harness
import mail
import tap

REPORTER = 'report@fbl.example'
ENVELOPE = 'bounce@fbl.example'
FOLDER = harness.temporary_folder()
TIMEOUT = 1.0

signer = dkim.Signer(FOLDER, 'fbl.example', 's1')
stranger = dkim.Signer(FOLDER, 'fbl.example.evil', 's1')
quiet = dkim.Signer(FOLDER, 'quiet.example', 's1')  # says nothing about its hosts
server = dns.Server({
    **{name: [dns.txt(text)] for name, text in (signer.record(), stranger.record(), quiet.record())},
    # an SPF record that asks for every kind of record; only the second exchanger is this host
    'fbl.example': [dns.txt('v=spf1 ptr:other.example mx -all'), dns.txt('something else'),
                    dns.mx(20, 'b.fbl.example'), dns.mx(10, 'a.fbl.example')],
    '1.0.0.127.in-addr.arpa': [dns.ptr('host.other.example')],
    'host.other.example': [dns.a('192.0.2.4')],
    'a.fbl.example': [dns.a('192.0.2.3')],
    'b.fbl.example': [dns.a('192.0.2.1'), dns.a('127.0.0.1')],
    '_dmarc.fbl.example': [dns.txt('v=DMARC1; p=reject')],
})
REPORTERS = os.path.join(FOLDER, 'reporters')
with open(REPORTERS, 'w') as file:
    file.write('provider dkim=fbl.example from=%s envelope=fbl.example\n' % REPORTER)
    file.write('quiet dkim=quiet.example envelope=quiet.example\n')
service = harness.Service(harness.Cluster(), dns__server=server.address, auth__reporters=REPORTERS).start()


def report(victim, number, reporter=REPORTER):
    return mail.arf('fbl@' + harness.DOMAIN, 'news@sender.example', reporter, victim, 'auth-%s' % number)


def submit(message, sender=ENVELOPE):
    """What the API says about the report."""
    reply = mail.deliver(service.smtp_port, 'fbl@' + harness.DOMAIN, message, sender)
    return service.http.get('/v1/reports/' + mail.report_id(reply))


def result_for(address):
    return service.http.ok('POST', '/v1/suppressions/check', {'addresses': [address]})['results'][0]['result']


def test_a_signed_report_of_a_known_reporter_suppresses_whom_it_names():
    stored = submit(signer.sign(report('honest@recipient.example', 1)))
    found = stored['authentication']
    assert stored['trust'] == 'authenticated', stored
    assert found['reporter'] == 'provider' and found['from'] == REPORTER, found
    assert found['dkim'] == [{'result': 'pass', 'domain': 'fbl.example', 'selector': 's1', 'reason': None}], found
    assert found['spf'] == {'result': 'pass', 'identity': 'mailfrom', 'domain': 'fbl.example'}, found
    assert found['dmarc'] == {'result': 'pass', 'domain': 'fbl.example', 'policy': 'reject'}, found
    assert result_for('honest@recipient.example') == 'suppressed'


def assert_believed_by_nobody(message, victim, **options):
    stored = submit(message, **options)
    assert stored['trust'] == 'unverified', stored
    assert stored['authentication']['reporter'] is None, stored
    assert result_for(victim) == 'clear'
    return stored['authentication']


def test_the_same_unsigned_changes_nothing():
    found = assert_believed_by_nobody(report('unsigned@recipient.example', 2), 'unsigned@recipient.example')
    assert found['dkim'] == [] and found['spf']['result'] == 'pass', found


def test_forgeries_change_nothing():
    genuine = signer.sign(report('other@recipient.example', 3))
    victim = 'third@recipient.example'
    forgeries = {
        'another recipient': genuine.replace(b'other@recipient', b'third@recipient'),
        'two From': b'From: Feedback loop <%s>\r\n' % REPORTER.encode() + signer.sign(report(victim, 4)),
        'From not signed': signer.sign(report(victim, 5), ('To', 'Subject', 'Content-Type')),
        'Content-Type not signed': signer.sign(report(victim, 6), ('From', 'To', 'Subject')),
        'l=0': signer.sign(report(victim, 7)).replace(b'; bh=', b'; l=0; bh='),
        'look-alike domain': stranger.sign(report(victim, 8)),
        'look-alike in From too': stranger.sign(report(victim, 9, REPORTER + '.evil')),
        'another From of the domain': signer.sign(report(victim, 10, 'user@fbl.example')),
        'a line end of its own': signer.sign(report(victim, 11)).replace(b'Subject:', b'X: y\nSubject:', 1),
    }
    for what, forged in forgeries.items():
        try:
            assert_believed_by_nobody(forged, victim)
        except AssertionError as error:
            raise AssertionError(what) from error
    assert_believed_by_nobody(signer.sign(report(victim, 12)), victim, sender='bounce@fbl.example.evil')


def test_genuine_reports_about_somebody_elses_mail():
    """Somebody got them about his own mail, and sends them on to us."""
    numbers = itertools.count(20)
    own = 'fbl@' + harness.DOMAIN
    without_to = ('From', 'Subject', 'Content-Type')

    def trust(to, return_path, headers=None, sender='bounce@quiet.example', change=lambda message: message):
        number = next(numbers)
        message = mail.arf(to, return_path, 'report@quiet.example', 'user%d@recipient.example' % number, number)
        stored = submit(change(quiet.sign(message, headers) if headers else quiet.sign(message)), sender)
        assert stored['authentication']['reporter'] == 'quiet', stored
        result = result_for('user%d@recipient.example' % number)
        assert (result == 'suppressed') == (stored['trust'] == 'authenticated'), (result, stored)
        return stored['trust']

    assert trust(own, 'news@sender.example') == 'authenticated'
    assert trust('fbl@somebody.example', 'news@somebody.example') == 'unverified'
    # To may be anything where it is not signed
    assert trust('fbl@somebody.example', 'news@somebody.example', without_to,
                 change=lambda m: m.replace(b'fbl@somebody.example', own.encode())) == 'unverified'
    # but not a second one where it is
    assert trust('fbl@somebody.example', 'news@somebody.example',
                 change=lambda m: b'To: <%s>\r\n' % own.encode() + m) == 'unverified'
    # a mail of ours, whoever the report was addressed to
    assert trust('fbl@elsewhere.example', 'news@' + harness.DOMAIN, without_to) == 'authenticated'


def test_nothing_is_looked_up_where_a_token_is_valid():
    before = len(server.asked)
    token = service.token(ref='77')
    stored = submit(mail.arf('fbl@' + harness.DOMAIN, token, number='token'))
    assert (stored['trust'], stored['authentication']) == ('verified', None), stored
    stored = submit(mail.dsn(token, 'a@recipient.example', number='plain'))
    assert stored['authentication'] is None, stored
    assert len(server.asked) == before


def test_silent_dns_delays_nobody_and_proves_nothing():
    signed = dkim.Signer(FOLDER, 'slow.example', 's1').sign(
        report('slow@recipient.example', 13, 'report@slow.example'))
    server.silent = True
    try:
        with mail.Smtp(service.smtp_port) as slow, mail.Smtp(service.smtp_port) as other:
            begin = time.monotonic()
            for code, text in slow.envelope(['fbl@' + harness.DOMAIN], 'bounce@slow.example'):
                assert code < 400, text
            slow.send(mail.dot_stuff(signed) + b'.\r\n')
            reply = other.deliver(service.token(ref='78'), mail.dsn('x', 'b@recipient.example', number='fast'))
            assert reply[0] == 250, reply
            reply = slow.reply()
            took = time.monotonic() - begin
        assert TIMEOUT * 0.9 < took < TIMEOUT + 2, took
        stored = service.http.get('/v1/reports/' + mail.report_id(reply))
    finally:
        server.silent = False
    found = stored['authentication']
    assert stored['trust'] == 'unverified', stored
    assert [found['spf']['result'], found['dkim'][0]['result']] == ['temperror'] * 2, found
    assert result_for('slow@recipient.example') == 'clear'


def write_reporters(text):
    with open(REPORTERS, 'w') as file:
        file.write(text)


def test_the_list_of_reporters_is_read_again():
    """A wrong file is refused, and the old list stays."""
    numbers = itertools.count(100)

    def trust():
        number = next(numbers)
        return submit(signer.sign(report('user%d@recipient.example' % number, number)))['trust']
    assert trust() == 'authenticated'
    write_reporters('provider dkim=\n')
    try:
        service.cli('check-config', '-q')
    except AssertionError as error:
        assert '%s:1: a key without a value' % REPORTERS in str(error), error
    else:
        raise AssertionError('check-config takes a wrong list')
    service.process.send_signal(signal.SIGHUP)
    harness.wait_for(lambda: 'reload_refused' in open(service.log).read(), 'it is refused')
    for pid in service.processes('ingest'):  # what is started later has the old list as well
        os.kill(pid, signal.SIGKILL)
    harness.wait_for(lambda: len(service.processes('ingest')) == 2 and service.ready(), 'it is back')
    assert trust() == 'authenticated'
    write_reporters('# nobody\n')
    service.process.send_signal(signal.SIGHUP)
    # both processes: enough in a row, however the kernel shares connections out
    harness.wait_for(lambda: all(trust() == 'unverified' for _ in range(8)), 'nobody is believed')


def test_stops_cleanly():
    service.stop()


tap.main(globals())
