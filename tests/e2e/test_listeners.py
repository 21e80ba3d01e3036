#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The listeners besides plain SMTP: submission with AUTH, LMTP, behind proxies, IPv6, and sockets that
systemd passes."""
import base64
import os
import socket
import struct
import subprocess
import sys
import time

import harness
import mail
import tap

FOLDER = harness.temporary_folder()
CERTIFICATE, KEY = harness.certificate(FOLDER)
SUBMISSION, SUBMISSIONS, LMTP, TRUSTED = harness.free_ports(4)
PATH = os.path.join(FOLDER, 'lmtp')

service = harness.Service(
    harness.Cluster(), tls__certificates=CERTIFICATE, tls__keys=KEY,
    smtp__address='127.0.0.1 ::1', smtp__proxy_networks='127.0.0.2 2001:db8::/32',
    submission__port=SUBMISSION, submissions__port=SUBMISSIONS, submissions__proxy_networks='127.0.0.2/31',
    lmtp__port=LMTP, lmtp__tls='may', lmtp_unix__path=PATH, lmtp_unix__trusted=True,
    lmtp_unix__mode='600').start()


def encode(text):
    return base64.b64encode(text.encode()).decode()


def plain(password, user='relay'):
    return 'AUTH PLAIN ' + encode('\0%s\0%s' % (user, password))


def submission():
    return mail.Smtp(SUBMISSION).starttls()


def event(ref):
    found, = service.http.all('/v1/events', ref=ref)
    return found


# -- AUTH --

def test_a_key_of_scope_ingest_hands_reports_over():
    address = 'gone1@recipient.example'
    with submission() as smtp:
        assert smtp.command(plain(service.key))[0] == 235
        reply = smtp.deliver('whoever@elsewhere.example', mail.dsn('x@elsewhere.example', address))
    report = service.http.get('/v1/reports/' + mail.report_id(reply))
    assert report['trust'] == 'authenticated', report
    assert service.http.status('GET', '/v1/suppressions/' + address) == 200


def test_a_token_in_the_recipient_still_says_whom_it_is_about():
    with mail.Smtp(SUBMISSIONS, tls=mail.any_tls()) as smtp:
        assert smtp.command('AUTH LOGIN')[0] == 334
        assert smtp.command(encode('relay')) == (334, encode('Password:'))
        assert smtp.command(encode(service.key))[0] == 235
        token = service.token(ref='501', campaign=9)
        mail.report_id(smtp.deliver(token, mail.dsn(token, 'gone2@recipient.example')))
    found = event('501')
    assert (found['trust'], found['campaign']) == ('authenticated', 9), found


def test_nothing_is_taken_without_auth_and_auth_not_in_clear():
    with mail.Smtp(SUBMISSION) as smtp:
        assert 'AUTH' not in smtp.extensions and 'STARTTLS' in smtp.extensions
        assert smtp.command(plain(service.key))[0] == 530
        assert smtp.command('MAIL FROM:<>')[0] == 530
        smtp.starttls()
        assert 'AUTH PLAIN LOGIN' in smtp.extensions
        assert smtp.command('MAIL FROM:<>') == (530, '5.7.0 Authentication required')
    with mail.Smtp(service.smtp_port) as smtp:
        smtp.starttls()
        assert 'AUTH' not in smtp.extensions
        assert smtp.command(plain(service.key))[0] == 502


def test_wrong_passwords_are_slow_and_few():
    read_only = service.cli('key', 'create', '--account', 'demo', '--scopes', 'read').split()[-1]
    revoked = service.cli('key', 'create', '--account', 'demo', '--scopes', 'ingest').split()[-1]
    service.cli('key', 'revoke', revoked.split('_')[1])
    forged = service.key[:-1] + ('a' if service.key[-1] != 'a' else 'b')
    for password in (read_only, revoked, forged):
        with submission() as smtp:
            begin = time.monotonic()
            assert smtp.command(plain(password))[0] == 535, password
            assert time.monotonic() - begin > 0.9
    with submission() as smtp:
        assert [smtp.command(plain('secret'))[0] for _ in range(3)] == [535, 535, 421]
        assert smtp.at_end()
    with open(service.log) as log:
        text = log.read()
    assert '"auth_failed"' in text and forged not in text and 'secret' not in text


def test_a_new_key_works_at_once():
    """Whenever keys were last loaded, which each process does every five seconds."""
    deadline = time.monotonic() + 6
    while time.monotonic() < deadline:
        key = service.cli('key', 'create', '--account', 'demo', '--scopes', 'ingest').split()[-1]
        with submission() as smtp:
            assert smtp.command(plain(key))[0] == 235


def test_swaks_authenticates():
    for mechanism in ('PLAIN', 'LOGIN'):
        done = subprocess.run(
            ['swaks', '--server', '127.0.0.1:%d' % SUBMISSION, '--tls', '--auth', mechanism, '--auth-user',
             'relay', '--auth-password', service.key, '--from', 'relay@sender.example', '--to',
             'reports@elsewhere.example', '--helo', 'sender.example'],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
        assert done.returncode == 0, done.stdout.decode()


# -- LMTP --

def check_lmtp(to, first):
    tokens = [service.token(ref=str(first + number)) for number in range(2)]
    with mail.Smtp(to, verb='LHLO') as lmtp:
        replies = lmtp.envelope([tokens[0], 'nobody@elsewhere.example', tokens[1]])
        assert [code for code, _ in replies] == [250, 250, 550, 250, 354], replies
        lmtp.send(mail.dsn(tokens[0], 'lmtp@recipient.example', number=first) + b'.\r\n')
        ids = [mail.report_id(lmtp.reply()) for _ in tokens]
        assert lmtp.command('NOOP')[0] == 250  # there is one reply a recipient, no more
        assert lmtp.command('EHLO sender.example')[0] == 500
    assert ids[0] == ids[1]
    return service.http.get('/v1/reports/' + ids[0])


def test_lmtp_over_tcp():
    report = check_lmtp(LMTP, 600)
    assert report['source'] == 'lmtp', report
    assert report['trust'] == 'verified', report


def test_lmtp_over_a_unix_socket_that_is_trusted():
    assert os.stat(PATH).st_mode & 0o777 == 0o600
    report = check_lmtp(PATH, 610)
    assert report['source'] == 'lmtp', report
    assert report['trust'] == 'authenticated', report


def test_a_stale_unix_socket_is_replaced():
    other = harness.Service(service.cluster, 'stale', lmtp_unix__path=os.path.join(FOLDER, 'stale')).start()
    other.kill()
    other.start()
    with mail.Smtp(os.path.join(FOLDER, 'stale'), verb='LHLO') as lmtp:
        assert lmtp.command('MAIL FROM:<>')[0] == 250
    other.stop()


# -- proxies and IPv6 --

def version_2(command, family, addresses):
    return b'\r\n\r\n\0\r\nQUIT\n' + struct.pack('!BBH', command, family, len(addresses)) + addresses


def from_proxy(header, port=None, bytewise=False, **options):
    """A session from 127.0.0.2, which is a proxy's."""
    connection = socket.create_connection(('127.0.0.1', port or service.smtp_port), 30,
                                          source_address=('127.0.0.2', 0))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if bytewise:
        for at in range(len(header)):
            connection.sendall(header[at:at + 1])
        header = b''
    return mail.Smtp(connection, first=header, **options)


def peer_of(smtp, ref):
    token = service.token(ref=ref)
    reply = smtp.deliver(token, mail.dsn(token, 'proxied@recipient.example', number=ref))
    return service.http.get('/v1/reports/' + mail.report_id(reply))['envelope']['peer']


V4 = socket.inet_aton('192.0.2.7') + socket.inet_aton('192.0.2.1') + struct.pack('!HH', 40000, 25)
V6 = (socket.inet_pton(socket.AF_INET6, '2001:db8::7') + socket.inet_pton(socket.AF_INET6, '2001:db8::1')
      + struct.pack('!HH', 40000, 25))
HEADERS = [
    (b'PROXY TCP4 192.0.2.7 192.0.2.1 40000 25\r\n', '192.0.2.7'),
    (b'PROXY TCP6 2001:db8::7 2001:db8::1 40000 25\r\n', '2001:db8::7'),
    (b'PROXY UNKNOWN\r\n', '127.0.0.2'),
    (version_2(0x21, 0x11, V4), '192.0.2.7'),
    (version_2(0x21, 0x21, V6), '2001:db8::7'),
    (version_2(0x21, 0x11, V4 + b'\x04\x00\x03abc'), '192.0.2.7'),
    (version_2(0x20, 0x00, b''), '127.0.0.2'),
]


def test_a_proxy_says_who_the_client_is():
    for number, (header, peer) in enumerate(HEADERS):
        with from_proxy(header, bytewise=number % 2 == 1) as smtp:
            assert peer_of(smtp, str(700 + number)) == peer, header


def test_a_proxy_in_front_of_tls():
    header, peer = HEADERS[0]
    with from_proxy(header, SUBMISSIONS, tls=mail.any_tls()) as smtp:
        assert smtp.command(plain(service.key))[0] == 235
        assert peer_of(smtp, '710') == peer
    with from_proxy(header) as smtp:
        smtp.starttls()
        assert peer_of(smtp, '711') == peer


def test_a_proxy_that_says_nothing_proper_is_cut():
    for header in (b'EHLO sender.example\r\n', b'PROXY TCP4 192.0.2.7\r\n', b'PROXY ' + b'x' * 200,
                   version_2(0x31, 0x11, V4), version_2(0x21, 0x11, V4[:8])):
        try:
            from_proxy(header)
        except (EOFError, ConnectionResetError):
            continue
        raise AssertionError('greeted after %r' % header)


def test_nobody_else_is_a_proxy():
    connection = mail.connect(service.smtp_port)
    with connection:
        assert connection.recv(3) == b'220'
        connection.sendall(HEADERS[0][0])
        received = b''
        while b'500' not in received:
            more = connection.recv(4096)
            assert more, received
            received += more


def test_ipv6():
    try:
        smtp = mail.Smtp(('::1', service.smtp_port))
    except OSError as error:
        raise tap.Skip('no IPv6 here: %s' % error)
    with smtp:
        assert peer_of(smtp, '720') == '::1'


# -- socket activation --

ACTIVATE = '''
import os, socket, sys
names, program = sys.argv[1], sys.argv[2:]
sockets = []
for name in names.split(':'):
    s = socket.create_server(('127.0.0.1', 0))
    sockets.append(os.dup(s.fileno()))
    print(s.getsockname()[1], file=open(os.environ['PORTS'], 'a'), flush=True)
spare = [os.dup(fd) for fd in sockets]
base = max(spare) + 10
high = []
for offset, fd in enumerate(sockets):
    os.dup2(fd, base + offset)
for offset in range(len(sockets)):
    os.dup2(base + offset, 3 + offset)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS=str(len(sockets)), LISTEN_FDNAMES=names)
os.execv(program[0], program)
'''


def test_sockets_that_systemd_passes():
    other = harness.Service(service.cluster, 'passed')
    ports = os.path.join(FOLDER, 'ports')
    configured = other.smtp_port
    other.process = harness.start_process(
        [sys.executable, '-c', ACTIVATE, 'smtp:lmtp:http', other.program, '-c', other.configuration, 'serve'],
        other.log, env=dict(os.environ, PORTS=ports))
    harness.wait_for(lambda: os.path.exists(ports) and len(open(ports).readlines()) == 3, 'it begins')
    with open(ports) as file:
        other.smtp_port, lmtp, other.http_port = map(int, file.read().split())
    other.http.port = other.http_port
    harness.wait_for(other.ready, 'the service is ready', 60, other.log)
    with mail.Smtp(lmtp, verb='LHLO') as session:
        assert session.command('MAIL FROM:<>')[0] == 250
    try:
        socket.create_connection(('127.0.0.1', configured)).close()
        raise AssertionError('it listens on the configured port as well')
    except ConnectionRefusedError:
        pass
    other.stop()


# -- transcripts --

def test_transcript_of_one_peer():
    file = os.path.join(FOLDER, 'transcript')
    port, = harness.free_ports(1)
    other = harness.Service(service.cluster, 'traced', smtp__transcript=file, tls__certificates=CERTIFICATE,
                            tls__keys=KEY, submission__port=port, smtp__proxy_networks='127.0.0.2',
                            submission__proxy_networks='127.0.0.2')
    other.process = harness.start_process(
        [other.program, '-c', other.configuration, 'serve', '--trace-peer', '192.0.2.7'], other.log)
    harness.wait_for(other.ready, 'the service is ready', 60, other.log)
    mail.Smtp(other.smtp_port).close()
    assert not os.path.exists(file)
    with from_proxy(HEADERS[0][0], other.smtp_port) as smtp:
        token = other.token(ref='1')
        mail.report_id(smtp.deliver(token, mail.dsn(token, 'traced@recipient.example')))
        assert smtp.command('QUIT')[0] == 221
    with open(file) as transcript:
        text = transcript.read()
    # Without the password, in whichever form it is said.
    with from_proxy(HEADERS[0][0], port) as smtp:
        smtp.starttls()
        assert smtp.command(plain(other.key))[0] == 235
    with from_proxy(HEADERS[0][0], port) as smtp:
        smtp.starttls()
        for said, code in (('AUTH LOGIN', 334), (encode('relay'), 334), (encode(other.key), 235)):
            assert smtp.command(said)[0] == code
    with open(file) as transcript:
        secrets = transcript.read()
    assert 'C: AUTH ****' in secrets and 'S: 235 2.7.0' in secrets, secrets
    for secret in (other.key, encode(other.key), plain(other.key).split()[-1]):
        assert secret not in secrets and secret[:20] not in secrets, secrets
    for line in ('S: 220 mx.bounce.example', 'C: EHLO sender.example', 'C: RCPT TO:<%s>' % token,
                 'C: (the message)', 'S: 250 2.0.0 stored as', 'S: 221 2.0.0 Bye'):
        assert line in text, text
    assert 'traced@recipient.example' not in text, text
    other.stop()


def test_stops_cleanly():
    service.stop()


tap.main(globals())
