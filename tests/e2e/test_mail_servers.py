#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A real Postfix and a real Exim: the reports that they write themselves, delivered over STARTTLS, must
suppress the recipient that their next hop refused; and they hand over by LMTP and by submission. Postfix's
smtp-source makes load."""
import os
import subprocess

import exim
import harness
import mail
import postfix
import tap

FOLDER = harness.temporary_folder()
CERTIFICATE, KEY = harness.certificate(FOLDER)
SUBMISSION, SUBMISSIONS, LMTP = harness.free_ports(3)
UNIX = os.path.join(FOLDER, 'lmtp')
SMTP_SOURCE = '/usr/sbin/smtp-source'
STRICT = 'strict.example'  # refuses whom it does not know

service = harness.Service(
    harness.Cluster(), tls__certificates=CERTIFICATE, tls__keys=KEY, submission__port=SUBMISSION,
    submissions__port=SUBMISSIONS, lmtp__port=LMTP, lmtp_unix__path=UNIX, lmtp_unix__mode='666')
service.cli('domain', 'add', STRICT, '--account', 'demo', '--reject-invalid', '550')
service.start()
next_hop = postfix.RefusingServer()

# What the next hop said; Exim's own reports say 5.0.0 beside it.
STATUS = '5.1.1'
# Exim's transports: to a port, with TLS or else the message stays in the queue
SMTP = 'driver = smtp\nallow_localhost\nport = %d\n'
TLS = 'hosts_require_tls = *\ntls_try_verify_hosts = :\n'
# The same name and password of a client, as each configures them.
EXIM_AUTH = 'plain:\n  driver = plaintext\n  public_name = PLAIN\n  client_send = ^relay^%s\n' % service.key
POSTFIX_AUTH = ['smtp_sasl_auth_enable = yes', 'smtp_sasl_security_options = noanonymous',
                'smtp_sasl_mechanism_filter = plain, login',
                'smtp_sasl_password_maps = inline:{ %s }' % ', '.join(
                    '{ [127.0.0.1]:%d = relay:%s }' % (port, service.key) for port in (SUBMISSION, SUBMISSIONS))]


def send(mta, to, sender):
    """The mail server is handed a mail, as by its own users."""
    news = mail.lines('From: News <news@sender.example>', 'To: <%s>' % to[0], 'Subject: News', '', 'Hello.')
    code, text = mail.deliver(mta.port, to, news, sender=sender)
    assert code == 250, (code, text)


def event_of(mta, *refs):
    """The one event of these refs, and its report."""
    event, = harness.wait_for(lambda: sum((service.http.all('/v1/events', ref=ref) for ref in refs), []),
                              'an event of ref %s' % (refs,), 30, mta.log)
    return event, service.http.get('/v1/reports/' + event['report_id'])


def finish(mta):
    harness.wait_for(lambda: mta.queued() == 0, 'the mail server has nothing left to send', 30, mta.log)
    mta.stop()


def check_report(mta, ref, reporting_mta):
    """Its next hop refuses the recipient; what it says of that comes back to the return path."""
    address = 'nobody%s@refused.example' % ref
    token = service.token(ref=ref, address=address, campaign=7)
    assert service.http.status('GET', '/v1/suppressions/' + address) == 404
    send(mta, [address], token)
    event, report = event_of(mta, ref)
    assert (event['kind'], event['trust'], event['campaign']) == ('bounce', 'verified', 7), event
    assert (event['status'], event['reason'], event['severity']) == (STATUS, 'userunknown', 'hard'), event
    assert event['address'] == address, event
    assert report['envelope']['tls'] == 'TLSv1.3', report
    assert report['reporting_mta'] == reporting_mta, report
    assert service.http.status('GET', '/v1/suppressions/' + address) == 200
    finish(mta)
    return service.http.get('/v1/reports/%s/raw' % event['report_id'])


def test_report_of_postfix_over_starttls():
    policy = 'smtp_tls_policy_maps = inline:{ { [127.0.0.1]:%d = encrypt } }' % service.smtp_port
    mta = postfix.Postfix({'refused.example': next_hop.port, harness.DOMAIN: service.smtp_port}, [policy])
    assert b'X-Postfix-Queue-ID:' in check_report(mta, '4711', 'mta.example')


def test_report_of_exim_over_starttls():
    mta = exim.Exim({'refused.example': SMTP % next_hop.port, harness.DOMAIN: SMTP % service.smtp_port + TLS})
    assert b'X-Failed-Recipients:' in check_report(mta, '4712', 'exim.mta.example')


def check_lmtp(mta, first):
    """Two recipients that we take and one that we refuse: each has its own reply, so that the mail server
    reports the one, and delivers nothing again."""
    tokens = [service.token(ref=str(first + number)) for number in range(3)]
    report = mail.dsn(tokens[0], 'lmtp%d@recipient.example' % first, number=first)
    code, text = mail.deliver(mta.port, tokens[:2] + ['nobody@' + STRICT], report, sender=tokens[2])
    assert code == 250, (code, text)
    _, report = event_of(mta, str(first), str(first + 1))  # whichever the mail server names first
    assert report['source'] == 'lmtp', report
    refused, _ = event_of(mta, str(first + 2))
    assert (refused['kind'], refused['status']) == ('bounce', STATUS), refused
    assert refused['address'] == 'nobody@' + STRICT, refused
    finish(mta)
    with service.connect() as database:
        stored = harness.column(
            database, 'SELECT recipients FROM report WHERE recipients && %s ORDER BY report_id', tokens)
    assert [sorted(recipients) for recipients in stored] == [sorted(tokens[:2]), tokens[2:]], stored


def test_postfix_hands_over_by_lmtp():
    for number, to in enumerate(('lmtp:unix:' + UNIX, 'lmtp:inet:127.0.0.1:%d' % LMTP)):
        check_lmtp(postfix.Postfix({harness.DOMAIN: to, STRICT: to}), 100 + 10 * number)


def test_exim_hands_over_by_lmtp():
    for number, transport in enumerate(('driver = lmtp\nsocket = %s\nbatch_max = 100' % UNIX,
                                        SMTP % LMTP + 'protocol = lmtp')):
        mta = exim.Exim({'%s : %s' % (harness.DOMAIN, STRICT): transport})
        check_lmtp(mta, 200 + 10 * number)


def check_submission(mta, ref):
    """What is handed over with a key counts, even to an address that says nothing."""
    address = 'gone%s@recipient.example' % ref
    code, text = mail.deliver(mta.port, 'reports@elsewhere.example',
                              mail.dsn('reports@elsewhere.example', address, number=ref))
    assert code == 250, (code, text)
    event, = harness.wait_for(lambda: service.http.all('/v1/events', address=address), 'it is handed over', 30,
                              mta.log)
    assert event['trust'] == 'authenticated', event
    assert service.http.get('/v1/reports/' + event['report_id'])['envelope']['tls'] == 'TLSv1.3'
    assert service.http.status('GET', '/v1/suppressions/' + address) == 200
    finish(mta)


def test_postfix_submits_with_auth():
    for port, extra in ((SUBMISSION, []), (SUBMISSIONS, ['smtp_tls_wrappermode = yes'])):
        mta = postfix.Postfix({'elsewhere.example': port},
                              POSTFIX_AUTH + ['smtp_tls_security_level = encrypt'] + extra)
        check_submission(mta, str(port))


def test_exim_submits_with_auth():
    for port, extra in ((SUBMISSION, ''), (SUBMISSIONS, 'protocol = smtps\n')):
        mta = exim.Exim({'elsewhere.example': SMTP % port + TLS + 'hosts_require_auth = *\n' + extra},
                        authenticators=EXIM_AUTH)
        check_submission(mta, str(port))


def check_hardened(make, first):
    """Two messages in a row: who waits for each reply, as it must without PIPELINING, is not cut off."""
    hardened = harness.Service(service.cluster, 'hardened%d' % first, smtp__pipelining=False).start()
    mta = make(hardened.smtp_port)
    for ref in (str(first), str(first + 1)):
        token = hardened.token(ref=ref)
        code, text = mail.deliver(mta.port, token, mail.dsn(token, 'hard%s@recipient.example' % ref, number=ref))
        assert code == 250, (code, text)
    harness.wait_for(lambda: all(hardened.http.all('/v1/events', ref=str(first + number)) for number in range(2)),
                     'both arrive', 30, mta.log)
    finish(mta)
    assert hardened.refused()['synchronization'] == 0
    hardened.stop()


def test_postfix_and_the_hardened_setting():
    postfix.require()
    check_hardened(lambda port: postfix.Postfix({harness.DOMAIN: port}), 850)


def test_exim_and_the_hardened_setting():
    check_hardened(lambda port: exim.Exim({harness.DOMAIN: SMTP % port}), 860)


def smtp_source(port, *options):
    """Postfix's load generator, eight sessions at a time. It fails at the first reply that it does not want."""
    done = subprocess.run([SMTP_SOURCE, '-s', '8', '-m', '200', '-l', '4096', '-f', 'load@sender.example',
                           *options, 'inet:127.0.0.1:%d' % port],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
    assert done.returncode == 0, done.stdout.decode()


def test_smtp_source():
    if not os.path.exists(SMTP_SOURCE):
        raise tap.Skip('Postfix is not installed')
    ways = [(port, how + again) for port, how in ((service.smtp_port, []), (LMTP, ['-L']))
            for again in ([], ['-d'])]  # -d: message after message in one session
    for number, (port, options) in enumerate(ways):
        token = service.token(ref=str(800 + number))
        smtp_source(port, '-t', token, *options)
        with service.connect() as database:
            count = harness.single(database, 'SELECT count(*) FROM report WHERE recipients @> ARRAY[%s]', token)
        assert count == 200, (options, count)


def test_stops_cleanly():
    service.stop()


tap.main(globals())
