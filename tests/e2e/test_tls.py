#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""TLS: which versions, no way around it, certificates chosen by name and reloaded, real clients."""
import contextlib
import hashlib
import itertools
import os
import shutil
import signal
import socket
import ssl
import subprocess
import warnings

import harness
import mail
import tap

FOLDER = harness.temporary_folder()
MX = harness.certificate(FOLDER, 'mx', 'mx.bounce.example')
OTHER = harness.certificate(FOLDER, 'other', 'mx.other.example', '*.wild.example')
PORT, = harness.free_ports(1)

service = harness.Service(
    harness.Cluster(), tls__certificates='%s %s' % (MX[0], OTHER[0]), tls__keys='%s %s' % (MX[1], OTHER[1]),
    submissions__port=PORT).start()


def fingerprint(file):
    with open(file) as pem:
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem.read())).hexdigest()


def served(name='mx.bounce.example'):
    """The fingerprint of the certificate that a client asking for the name is shown."""
    with mail.Smtp(service.smtp_port) as smtp:
        smtp.starttls(name=name)
        return hashlib.sha256(smtp.socket.getpeercert(binary_form=True)).hexdigest()


def context(version, ciphers=None):
    made = mail.any_tls()
    warnings.simplefilter('ignore', DeprecationWarning)  # of the old versions
    made.minimum_version = made.maximum_version = version
    made.set_ciphers(ciphers or 'DEFAULT@SECLEVEL=0')
    return made


def s_client(*arguments, said=b'quit\r\n'):
    """What openssl s_client prints, and its exit code. A line with Q ends it, one with R renegotiates."""
    done = subprocess.run(['openssl', 's_client', '-starttls', 'smtp', '-connect',
                           '127.0.0.1:%d' % service.smtp_port] + list(arguments),
                          input=said, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=30)
    return done.stdout.decode('utf-8', 'replace'), done.returncode


def deliver(smtp, ref):
    """A report over the session; returns it as the API shows it."""
    token = service.token(ref=ref)
    reply = smtp.deliver(token, mail.dsn(token, 'user%s@recipient.example' % ref, number=ref))
    return service.http.get('/v1/reports/' + mail.report_id(reply))


def receive_all(connection):
    """Everything until its end, which may be a reset."""
    received = b''
    with contextlib.suppress(ConnectionResetError):
        while True:
            more = connection.recv(4096)
            if not more:
                break
            received += more
    return received


def reports():
    with service.connect() as database:
        return harness.single(database, 'SELECT count(*) FROM report')


def test_reports_are_taken_over_tls_1_2_and_1_3():
    for number, version in enumerate((ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)):
        with mail.Smtp(service.smtp_port) as smtp:
            smtp.starttls(context(version))
            report = deliver(smtp, str(100 + number))
        assert report['envelope']['tls'] == ('TLSv1.2', 'TLSv1.3')[number], report
    with mail.Smtp(service.smtp_port) as smtp:
        assert 'STARTTLS' in smtp.extensions
        assert not deliver(smtp, '102')['envelope'].get('tls')


def test_older_versions_are_refused():
    for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
        with mail.Smtp(service.smtp_port) as smtp:
            try:
                smtp.starttls(context(version))
            except (ssl.SSLError, ConnectionError):
                continue
            raise AssertionError('%s was accepted' % version)


def test_s_client():
    for version in ('-tls1_2', '-tls1_3'):
        text, code = s_client(version, '-ign_eof')
        assert code == 0 and '221 2.0.0' in text, text
    text, code = s_client('-tls1_1', '-cipher', 'DEFAULT@SECLEVEL=0')
    assert code != 0, text


def test_s_client_asks_for_odd_names():
    """A name that is none leaves the first certificate; it never ends the handshake."""
    for name in ('..', '*', '192.0.2.1', 'a' * 255, 'mx.bounce.example.', '\x01\xff', 'x\r\nEHLO y', '%n%s'):
        text, code = s_client('-servername', name, '-ign_eof')
        assert code == 0 and 'CN = mx.bounce.example' in text and '221 2.0.0' in text, (name, text)


def test_renegotiation_is_refused():
    text, code = s_client('-tls1_2', said=b'R\n')
    _, _, after = text.partition('RENEGOTIATING')
    assert code != 0 and 'no renegotiation' in after, text


def test_no_session_is_resumed():
    text, _ = s_client('-tls1_2')
    assert 'Secure Renegotiation IS supported' in text, text
    assert 'TLS session ticket:' not in text, text
    text, _ = s_client('-tls1_3')
    assert 'NEW_SESSION_TICKET' not in text and 'TLS session ticket:' not in text, text
    assert 'Compression: NONE' in text, text


def test_no_certificate_is_asked_for():
    for version in ('-tls1_2', '-tls1_3'):
        text, _ = s_client(version, '-msg')
        assert 'ServerHello' in text and 'CertificateRequest' not in text, text


def test_bytes_behind_starttls_close_the_connection():
    before = reports()
    for behind in (b'RCPT TO:<a@bounce.example>\r\n', b'MAIL FROM:<>\r\n', b'\x16\x03\x01', b'x'):
        with mail.Smtp(service.smtp_port) as smtp:
            smtp.send(b'STARTTLS\r\n' + behind)
            code, text = smtp.reply()
            assert (code, text[:5]) == (554, '5.5.0'), (behind, code, text)
            assert smtp.at_end(), behind
    assert reports() == before


def test_clear_text_in_place_of_a_handshake_is_never_read():
    for first in (b'RCPT TO:<a@bounce.example>\r\nQUIT\r\n', b'QUIT\r\n'):
        with mail.Smtp(service.smtp_port) as smtp:
            assert smtp.command('STARTTLS')[0] == 220
            smtp.send(first)
            received = receive_all(smtp.socket)
            assert not received or received[0] == 0x15, received


def test_what_was_said_before_is_forgotten():
    with mail.Smtp(service.smtp_port) as smtp:
        assert smtp.command('MAIL FROM:<>')[0] == 250
        smtp.starttls(hello=None)
        assert smtp.command('RCPT TO:<postmaster>')[0] == 503
        assert smtp.command('MAIL FROM:<>')[0] == 503
        smtp.hello()
        assert 'STARTTLS' not in smtp.extensions
        assert smtp.command('STARTTLS')[0] == 503
        assert smtp.command('MAIL FROM:<>')[0] == 250


def test_end_of_tls_within_a_message_discards_it():
    """Or within a command: nothing is ever read in clear behind it."""
    before = reports()
    for how, where in itertools.product(('close_notify', 'clear'), ('data', 'command')):
        token = service.token(ref='300')
        with mail.Smtp(service.smtp_port) as smtp:
            smtp.starttls()
            if where == 'data':
                assert smtp.envelope([token])[-1][0] == 354
                smtp.send(b'Subject: x\r\n\r\nhalf')
            else:
                smtp.send(b'MAIL FR')
            if how == 'close_notify':
                smtp.socket.setblocking(False)
                with contextlib.suppress(ssl.SSLError, BlockingIOError):
                    smtp.socket.unwrap()
            descriptor = socket.socket(fileno=os.dup(smtp.socket.fileno()))
            descriptor.settimeout(30)
            with descriptor:
                with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                    descriptor.sendall(b'OM:<>\r\nA\r\n.\r\n' * 4)
                assert b'250 ' not in receive_all(descriptor)
    assert reports() == before
    assert deliver(mail.Smtp(service.smtp_port), '301')


def test_hello_byte_by_byte_and_large_records():
    token = service.token(ref='310')
    client = mail.Smtp(service.smtp_port)
    assert client.command('STARTTLS')[0] == 220
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    wrapped = mail.any_tls().wrap_bio(incoming, outgoing)

    def step(function, *arguments):
        while True:
            try:
                result = function(*arguments)
            except ssl.SSLWantReadError:
                result = None
            for byte in outgoing.read():
                client.socket.sendall(bytes([byte]))
            if result is not None or function == wrapped.do_handshake and wrapped.version():
                return result
            received = client.socket.recv(65536)
            assert received
            incoming.write(received)

    step(wrapped.do_handshake)

    def talk(text):
        step(wrapped.write, text)
        return step(wrapped.read, 4096)

    assert talk(b'EHLO sender.example\r\n').startswith(b'250-')
    assert talk(b'MAIL FROM:<>\r\n').startswith(b'250')
    assert talk(b'RCPT TO:<%s>\r\n' % token.encode()).startswith(b'250')
    assert talk(b'DATA\r\n').startswith(b'354')
    client.close()

    with mail.Smtp(service.smtp_port) as smtp:
        smtp.starttls()
        message = mail.dsn(token, 'big@recipient.example') + b'x' * 998 + b'\r\n'
        message += (b'y' * 998 + b'\r\n') * 1000
        report = service.http.get('/v1/reports/' + mail.report_id(smtp.deliver(token, message)))
        assert report['size'] == len(message), report


def test_certificate_is_chosen_by_name():
    assert served() == fingerprint(MX[0])
    assert served('mx.other.example') == fingerprint(OTHER[0])
    assert served('a.wild.example') == fingerprint(OTHER[0])
    for name in ('a.b.wild.example', 'unknown.example', 'xn--zz-.example', 'a' * 63 + '.example', None):
        assert served(name) == fingerprint(MX[0]), name


def reload():
    """SIGHUP; returns what the log says since, when the old processes have stopped accepting."""
    at = os.path.getsize(service.log)
    service.process.send_signal(signal.SIGHUP)

    def said():
        with open(service.log) as log:
            log.seek(at)
            text = log.read()
        replaced = '"reloaded"' in text and text.count('"draining"') == 3
        return text if 'reload_refused' in text or replaced else None
    return harness.wait_for(said, 'it reloads', log=service.log)


def test_certificates_are_reloaded():
    old = fingerprint(MX[0])
    with mail.Smtp(service.smtp_port) as during:
        during.starttls()
        with open(MX[0], 'r+') as file:  # a certificate without an end
            file.truncate(100)
        assert 'reload_refused' in reload()
        assert served() == old
        harness.certificate(FOLDER, 'mx')
        shutil.copy(OTHER[1], MX[1])  # a key of another certificate
        assert 'reload_refused' in reload()
        assert served() == old
        os.unlink(MX[1])
        assert 'reload_refused' in reload()
        assert served() == old
    # A process that is started later has the old one as well.
    for pid in service.processes('ingest'):
        os.kill(pid, signal.SIGKILL)
    harness.wait_for(lambda: len(service.processes('ingest')) == 2 and service.ready(), 'it is back', 30,
                     service.log)
    assert served() == old
    with mail.Smtp(service.smtp_port) as during:
        during.starttls()
        harness.certificate(FOLDER, 'mx')
        assert '"reloaded"' in reload()
        assert served() == fingerprint(MX[0]) != old
        assert during.command('NOOP')[0] == 250


def test_implicit_tls():
    with mail.Smtp(PORT, tls=mail.any_tls()) as smtp:
        assert 'STARTTLS' not in smtp.extensions and 'AUTH PLAIN LOGIN' in smtp.extensions
        assert smtp.command('STARTTLS')[0] == 503
    with mail.connect(PORT) as clear:
        clear.sendall(b'EHLO sender.example\r\n')
        received = receive_all(clear)
        assert not received or received[0] == 0x15, received  # a TLS alert at most


def test_tls_may_be_demanded():
    must = harness.Service(service.cluster, 'must', tls__certificates=OTHER[0], tls__keys=OTHER[1],
                           smtp__tls='must')
    must.takes_mail = lambda: mail.Smtp(must.smtp_port, 5).close() is None
    must.start()
    with mail.Smtp(must.smtp_port) as smtp:
        assert smtp.command('MAIL FROM:<>') == (530, '5.7.0 Must issue a STARTTLS command first')
        smtp.starttls()
        assert smtp.command('MAIL FROM:<>')[0] == 250
    must.stop()


def test_tls_may_be_off():
    off = harness.Service(service.cluster, 'off', tls__certificates=OTHER[0], tls__keys=OTHER[1],
                          smtp__tls='off').start()
    with mail.Smtp(off.smtp_port) as smtp:
        assert 'STARTTLS' not in smtp.extensions
        assert smtp.command('STARTTLS')[0] == 502
        assert smtp.command('MAIL FROM:<>')[0] == 250
    off.stop()


def test_a_key_that_only_root_may_read():
    """Refused at the start, not at the first reload: the user that the service becomes must read it."""
    if os.geteuid() != 0:
        raise tap.Skip('needs root')
    made = harness.certificate(FOLDER, 'roots')
    os.chmod(made[1], 0o600)
    roots = harness.Service(service.cluster, 'roots', user='nobody', tls__certificates=made[0],
                            tls__keys=made[1])
    try:
        roots.start()
    except AssertionError as error:
        assert made[1] in str(error) and 'cannot_start' in str(error), error
    else:
        raise AssertionError('it started')


def test_bad_settings_are_refused_at_once():
    for settings in ({'smtp__tls': 'must'}, {'submission__port': 1}, {'submissions__port': 1},
                     {'tls__certificates': OTHER[0]}, {'tls__keys': OTHER[1]},
                     {'tls__certificates': OTHER[0], 'tls__keys': MX[1]},
                     {'tls__certificates': '/nonexistent', 'tls__keys': MX[1]},
                     {'smtp__proxy_networks': '10.0.0.0/33'}):
        broken = harness.Service.__new__(harness.Service)
        broken.cluster, broken.database, broken.program = service.cluster, 'none', service.program
        broken.folder = harness.temporary_folder()
        broken.configuration = os.path.join(broken.folder, 'bounced.conf')
        broken.smtp_port, broken.http_port = 1, 1
        broken.write_configuration(settings)
        try:
            broken.cli('check-config', '-q')
        except AssertionError:
            continue
        raise AssertionError('accepted: %r' % settings)


def test_swaks():
    token = service.token(ref='400')
    message = os.path.join(FOLDER, 'dsn.eml')
    with open(message, 'wb') as file:
        file.write(mail.dsn(token, 'swaks@recipient.example'))
    done = subprocess.run(['swaks', '--server', '127.0.0.1:%d' % service.smtp_port, '--tls', '--from', '<>',
                           '--to', token, '--data', '@' + message, '--helo', 'sender.example'],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=60)
    assert done.returncode == 0, done.stdout.decode()
    event, = service.http.all('/v1/events', ref='400')
    report = service.http.get('/v1/reports/' + event['report_id'])
    assert report['envelope']['tls'] == 'TLSv1.3', report


def test_stops_cleanly_while_a_handshake_is_under_way():
    waiting = mail.Smtp(service.smtp_port)
    assert waiting.command('STARTTLS')[0] == 220
    idle = mail.Smtp(service.smtp_port).starttls()
    service.stop()
    assert waiting.at_end()
    assert idle.reply()[0] == 421


tap.main(globals())
