#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What attackers say to an SMTP server, row by row: exact bytes, the replies, and what is stored then.

Each row is said whole and a byte a segment, in clear and over TLS, except where the attack is that bytes come
together. Every reply is printable and short. Slow, many and guessing clients are in test_abuse.py, the end of
data in test_smuggling.py, TLS in test_tls.py."""
import contextlib
import os
import signal
import socket
import ssl
import string
import time

import harness
import mail
import tap

CERTIFICATE, KEY = harness.certificate(harness.temporary_folder())
STRICT = 'strict.example'  # refuses whom it does not know
SIZE = 70000

service = harness.Service(harness.Cluster(), tls__certificates=CERTIFICATE, tls__keys=KEY, smtp__size=SIZE,
                          smtp__error_delay_ms=0)
service.cli('domain', 'add', STRICT, '--account', 'demo', '--reject-invalid', '550')
service.start()
TOKEN = service.token(ref='1').encode()

HELLO = b'EHLO c.example\r\n'
MAIL = b'MAIL FROM:<>\r\n'
RCPT = b'RCPT TO:<' + TOKEN + b'>\r\n'
EVIL = b'MAIL FROM:<e@e.example>\r\nRCPT TO:<postmaster>\r\nDATA\r\nx\r\n.\r\n'
TOGETHER, CLEAR = 'together', 'clear'  # said whole only; before TLS only


def to(path):
    return b'RCPT TO:<' + path + b'>\r\n'


# row, steps of (bytes, replies), messages stored[, TOGETHER, CLEAR]
ROWS = [
    ('STARTTLS injection',
     [(HELLO, '250'), (b'STARTTLS\r\nRCPT TO:<a@bounce.example>\r\n', '554 5.5.0,close')], 0, TOGETHER, CLEAR),
    ('STARTTLS injection without EHLO', [(b'STARTTLS\r\n\x16', '554 5.5.0,close')], 0, TOGETHER, CLEAR),
    ('STARTTLS with arguments', [(HELLO, '250'), (b'STARTTLS x\r\n', '501 5.5.4')], 0),

    ('DATA and the message in one write',
     [(HELLO, '250'),
      (MAIL + RCPT + b'DATA\r\nSubject: x\r\n\r\nhi\r\n.\r\n', '250 2.1.0,250 2.1.5,554 5.5.0,close')], 0,
     TOGETHER),
    ('DATA in one write without recipients',
     [(HELLO, '250'), (b'DATA\r\nSubject: x\r\n\r\nhi\r\n.\r\n', '554 5.5.0,close')], 0, TOGETHER),
    *[('%s not last in its group' % verb.decode(),
       [(HELLO, '250'), (verb + b'\r\n' + EVIL, '554 5.5.0,close')], 0, TOGETHER)
      for verb in (b'EHLO c.example', b'HELO c.example', b'QUIT', b'VRFY x', b'EXPN x', b'NOOP')],
    ('a group as RFC 2920 allows it',
     [(HELLO, '250'), (MAIL + RCPT + RCPT + b'DATA\r\n', '250 2.1.0,250 2.1.5,250 2.1.5,354'),
      (b'a\r\n.\r\n' + MAIL + RCPT + b'DATA\r\n', '250 2.0.0,250 2.1.0,250 2.1.5,354'),
      (b'b\r\n.\r\nRSET\r\nQUIT\r\n', '250 2.0.0,250 2.0.0,221 2.0.0,close')], 2),

    ('BDAT', [(HELLO, '250'), (MAIL + RCPT, '250 2.1.0,250 2.1.5'),
              (b'BDAT 20 LAST\r\n' + EVIL, '502 5.5.1,close')], 0),
    ('BDAT without a transaction', [(HELLO, '250'), (b'BDAT 0 LAST\r\n' + EVIL, '502 5.5.1,close')], 0),

    ('HTTP POST', [(b'POST / HTTP/1.1\r\nHost: x.example\r\n\r\n' + HELLO + EVIL, '421 4.7.0,close')], 0),
    ('HTTP GET', [(b'GET / HTTP/1.0\r\n\r\n' + HELLO + EVIL, '421 4.7.0,close')], 0),
    ('HTTP CONNECT', [(b'CONNECT mx:25 HTTP/1.1\r\n\r\n' + HELLO + EVIL, '421 4.7.0,close')], 0),
    ('HTTP/2', [(b'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n' + EVIL, '421 4.7.0,close')], 0),
    *[('begins with %r' % first, [(first + HELLO + EVIL, '421 4.7.0,close')], 0)
      for first in (b'\x16\x03\x01\x02\x00', b'{"a":1}', b'<x>', b'\0', b'\x80\x2e', b'-')],

    ('a line of 2,047 bytes', [(b'NOOP ' + b'A' * 2040 + b'\r\n', '250 2.0.0')], 0),
    ('a line of 2,048 bytes', [(b'NOOP ' + b'A' * 2041 + b'\r\n', '250 2.0.0')], 0),
    ('a line of 2,049 bytes', [(b'NOOP ' + b'A' * 2042 + b'\r\n', '500 5.5.2'), (HELLO, '250')], 0),
    ('100 KB without a line end', [(b'A' * 100000, '500 5.5.2,421 4.7.0,close')], 0, TOGETHER),
    ('a long line hides no command',
     [(HELLO, '250'), (b'A' * 5000 + b'\n' + MAIL[:-2] + b'\nQUIT\r\n', '500 5.5.2'), (RCPT, '503 5.5.1')], 0),
    ('MAIL with a parameter of 1,000 characters',
     [(HELLO, '250'), (b'MAIL FROM:<> ' + b'X' * 1000 + b'=y\r\n', '555 5.5.4')], 0),
    ('MAIL with 400 parameters', [(HELLO, '250'), (b'MAIL FROM:<>' + b' A=1' * 400 + b'\r\n', '555 5.5.4')], 0),

    ('NUL in MAIL', [(HELLO, '250'), (b'MAIL FROM:<a\0b@c.example>\r\n', '500 5.5.2'), (RCPT, '503 5.5.1')], 0),
    ('NUL truncates nothing', [(HELLO, '250'), (MAIL, '250 2.1.0'),
                               (b'RCPT TO:<' + TOKEN + b'>\0<evil@x.example>\r\n', '500 5.5.2'),
                               (b'DATA\r\n', '554 5.5.1')], 0),
    *[('%r in a command' % bytes([byte]), [(b'NOOP a' + bytes([byte]) + b'b\r\n', '500 5.5.2')], 0)
      for byte in [*range(9), 11, 12, *range(14, 32), 127]],
    ('TAB in a command', [(b'NOOP\ta\r\n', '250 2.0.0')], 0),
    ('8 bits where none may be', [(HELLO, '250'), (b'MAIL FROM:<\xff@c.example>\r\n', '553 5.6.7'),
                                  (b'MAIL FROM:<\xc3\xbc@c.example>\r\n', '553 5.6.7'),
                                  (b'HELO \xc3\xbc\r\n', '501 5.5.4')], 0),

    ('bare LF', [(b'EHLO x\nMAIL FROM:<>\n', '500 5.5.2'), (b'x\r\n', ''), (HELLO, '250'),
                 (RCPT, '503 5.5.1')], 0),
    ('bare CR', [(b'EHLO x\rMAIL FROM:<>\r\n', '500 5.5.2'), (MAIL, '503 5.5.1')], 0),
    ('CR CR LF', [(b'NOOP\r\r\n', '500 5.5.2')], 0),

    ('1,000 recipients', [(HELLO, '250'), (MAIL, '250 2.1.0'),
                          (b''.join(to(b'b-%040x@bounce.example' % n) for n in range(1000)),
                           ','.join(['250 2.1.5'] * 100 + ['452 4.5.3'] * 900)),
                          (b'RSET\r\n', '250 2.0.0')], 0, TOGETHER),
    ('1,000 guesses where guesses are refused',
     [(HELLO, '250'), (MAIL, '250 2.1.0'),
      (b''.join(to(b'b-%040x@strict.example' % n) for n in range(1000)),
       ','.join(['550 5.1.1'] * 19 + ['421 4.7.0', 'close']))], 0, TOGETHER),
    ('EHLO and MAIL again and again',
     [(HELLO, '250')] + [(MAIL, '250 2.1.0'), (HELLO, '250')] * 39 +
     [(MAIL, '250 2.1.0'), (HELLO, '421 4.7.0,close')], 0, TOGETHER),
    ('10,000 RSET',
     [(HELLO, '250'), (b'RSET\r\n' * 10000, ','.join(['250 2.0.0'] * 39 + ['421 4.7.0', 'close']))], 0,
     TOGETHER),

    *[('relaying to %s' % path.decode(), [(HELLO, '250'), (MAIL, '250 2.1.0'), (to(path), reply),
                                          (b'DATA\r\n', '554 5.5.1')], 0)
      for path, reply in (
          (b'@bounce.example:v@victim.example', '550 5.7.1'),
          (b'@bounce.example,@bounce.example:v@victim.example', '550 5.7.1'),
          (b'v%victim.example@bounce.example', '550 5.7.1'),
          (b'"v@victim.example"@bounce.example', '550 5.7.1'),
          (b'"v%victim.example"@bounce.example', '550 5.7.1'),
          (b'victim.example!v@bounce.example', '550 5.7.1'),
          (b'"victim.example!v"@bounce.example', '550 5.7.1'),
          (b'v@[127.0.0.1]', '550 5.7.1'), (b'v@[IPv6:::1]', '550 5.7.1'), (b'v@2130706433', '550 5.7.1'),
          (b'v@bounce.example@victim.example', '501 5.1.3'), (b'v@victim.example', '550 5.7.1'),
          (b'v@sub.bounce.example', '550 5.7.1'), (b'v@bounce.example.victim.example', '550 5.7.1'),
          (b'v@xbounce.example', '550 5.7.1'), (b'v@bounce.example..', '550 5.7.1'),
          (b'v@', '501 5.1.3'), (b'v', '501 5.1.3'), (b'', '501 5.1.3'), (b'@bounce.example', '501 5.1.3'))],
    *[('taken: %s' % path.decode(),
       [(HELLO, '250'), (MAIL, '250 2.1.0'), (to(path), '250 2.1.5'), (b'RSET\r\n', '250')], 0)
      for path in (b'postmaster', b'POSTMASTER', b'v@bounce.example', b'v@BOUNCE.EXAMPLE', b'v@bounce.example.',
                   b'Postmaster@strict.example')],

    ('SIZE beyond 64 bits', [(HELLO, '250'), (b'MAIL FROM:<> SIZE=99999999999999999999\r\n', '552 5.3.4')], 0),
    ('SIZE over the limit', [(HELLO, '250'), (b'MAIL FROM:<> SIZE=%d\r\n' % (SIZE + 1), '552 5.3.4'),
                             (b'MAIL FROM:<> SIZE=%d\r\n' % SIZE, '250 2.1.0')], 0),
    *[('SIZE=%s' % size.decode(), [(HELLO, '250'), (b'MAIL FROM:<> SIZE=%s\r\n' % size, '501 5.5.4')], 0)
      for size in (b'-1', b'', b'+1', b'0x10', b'1 SIZE=1')],
    ('SIZE=0 and a little more than the limit',
     [(HELLO, '250'), (b'MAIL FROM:<> SIZE=0\r\n' + RCPT + b'DATA\r\n', '250 2.1.0,250 2.1.5,354'),
      (b'x' * (SIZE + 1) + b'\r\n.\r\n', '552 5.3.4'), (MAIL + RCPT + b'DATA\r\n', '250 2.1.0,250 2.1.5,354'),
      (b'small\r\n.\r\n', '250 2.0.0')], 1, TOGETHER),
    ('SIZE=0 and much more',
     [(HELLO, '250'), (b'MAIL FROM:<> SIZE=0\r\n' + RCPT + b'DATA\r\n', '250 2.1.0,250 2.1.5,354'),
      (b'x' * (SIZE + SIZE // 4), '552 5.3.4,close')], 0, TOGETHER),

    ('unknown parameters', [(HELLO, '250'), (b'MAIL FROM:<> FOO=bar\r\n', '555 5.5.4'), (MAIL, '250 2.1.0'),
                            (b'RCPT TO:<' + TOKEN + b'> FOO=bar\r\n', '555 5.5.4'),
                            (b'RCPT TO:<' + TOKEN + b'> SIZE=1\r\n', '555 5.5.4')], 0),
    ('parameters of RFC 1870, 3461, 6152, 6531',
     [(HELLO, '250'), (b'MAIL FROM:<> SIZE=1 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a\r\n', '250 2.1.0'),
      (b'RCPT TO:<' + TOKEN + b'> NOTIFY=NEVER ORCPT=rfc822;a@b.example\r\n', '250 2.1.5'),
      (b'DATA\r\n', '354'), (b'a\r\n.\r\n', '250 2.0.0')], 1),

    ('escape sequences', [(b'EHLO a\x1b[2J\r\n', '500 5.5.2'),
                          (b'MAIL FROM:<\x1b]0;x\x07@b.example>\r\n', '500 5.5.2')], 0),
    ('a reply within an address',
     [(HELLO, '250'), (MAIL, '250 2.1.0'), (b'RCPT TO:<a\r250 x@bounce.example>\r\n', '500 5.5.2'),
      (b'RCPT TO:<a\r\n250 x@bounce.example>\r\n', '501 5.1.3,421 4.7.0,close')], 0),
    ('verbs that are none', [(b'XCLIENT ADDR=192.0.2.1\r\n', '500 5.5.1'), (b'DEBUG\r\n', '500 5.5.1'),
                             (b'WIZ\r\n', '500 5.5.1'), (b'TURN\r\n', '500 5.5.1'), (b'ETRN x\r\n', '500 5.5.1'),
                             (b'AUTH PLAIN AGEAYQ==\r\n', '502 5.5.1')], 0),
]


def stored():
    with service.connect() as database:
        return harness.single(database, 'SELECT count(*) FROM report')


def clear():
    """Each row counts its own messages; the same one may come again."""
    with service.connect() as database, database.cursor() as cursor:
        cursor.execute('TRUNCATE ingest_key, event_key, report_raw, event, report')


def check_reply(smtp, expected):
    """One reply: its code, its class as far as expected says it, and that it is fit to be shown."""
    code, text = smtp.reply()
    assert ('%d %s' % (code, text)).startswith(expected), (code, text, expected)
    for line in text.split('\n'):
        assert len(line) <= 100 and set(line) <= set(string.printable) - set('\r\n\v\f\t'), line


def hold(steps, send, tls):
    with mail.Smtp(service.smtp_port, hello=None) as smtp:
        if tls:
            smtp.starttls(hello=None)
        closed = False
        for data, expected in steps:
            # The server may close while we still talk.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                send(smtp, data)
            for reply in expected.split(',') if expected else ():
                closed = reply == 'close'
                if closed:
                    assert smtp.at_end()
                else:
                    check_reply(smtp, reply)
        if not closed:
            smtp.send(b'NOOP\r\n')  # there was no reply more
            check_reply(smtp, '250 2.0.0')


def check_rows(send, tls):
    failed = []
    for name, steps, count, *flags in ROWS:
        if (TOGETHER in flags and send == mail.Smtp.send_bytewise) or (CLEAR in flags and tls):
            continue
        if count:
            clear()
        before = stored()
        try:
            hold(steps, send, tls)
            assert stored() - before == count, 'stored %d' % (stored() - before)
        except (AssertionError, OSError, EOFError) as error:
            failed.append('%s: %r' % (name, error))
    assert not failed, '\n'.join(failed)


def test_rows_whole():
    check_rows(mail.Smtp.send, False)


def test_rows_byte_by_byte():
    check_rows(mail.Smtp.send_bytewise, False)


def test_rows_over_tls():
    check_rows(mail.Smtp.send, True)


def test_rows_byte_by_byte_over_tls():
    check_rows(mail.Smtp.send_bytewise, True)


def receive_all(connection):
    received = b''
    with contextlib.suppress(ConnectionResetError):
        while True:
            more = connection.recv(4096)
            if not more:
                break
            received += more
    return received


def test_what_comes_just_behind_starttls_is_no_command():
    """Together with it or a moment later: it is refused, or goes to TLS, which cannot read it."""
    for microseconds in range(0, 4000, 100):
        with mail.Smtp(service.smtp_port) as smtp:
            smtp.send(b'STARTTLS\r\n')
            time.sleep(microseconds / 1e6)  # the attack, no wait for a condition
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                smtp.send(MAIL + RCPT + b'QUIT\r\n')
            received = receive_all(smtp.socket)
        first, _, rest = received.partition(b'\r\n')
        assert first[:9] in (b'554 5.5.0', b'220 2.0.0'), received
        assert not rest or rest[:1] == b'\x15', received  # an alert of TLS


def test_talk_before_the_greeting():
    for said, code in ((b'EHLO x\r\n', 554), (b'E', 554), (b'GET / HTTP/1.1\r\n', 421), (b'\x16\x03\x01', 421)):
        ours = service.processes('ingest')
        for pid in ours:
            os.kill(pid, signal.SIGSTOP)
        try:  # whoever accepts finds it there
            connection = mail.connect(service.smtp_port)
            connection.sendall(said)
        finally:
            for pid in ours:
                os.kill(pid, signal.SIGCONT)
        with mail.Smtp(connection, hello=None) as smtp:
            assert smtp.greeting[0] == code, (said, smtp.greeting)
            assert smtp.at_end()


def half_close(smtp, tls):
    if tls:
        smtp.socket.setblocking(False)
        with contextlib.suppress(ssl.SSLError, BlockingIOError):
            smtp.socket.unwrap()  # sends close_notify, and does not wait for the other's
        smtp.socket.settimeout(60)
    else:
        smtp.socket.shutdown(socket.SHUT_WR)


def test_who_says_no_more_still_hears_the_reply():
    clear()
    for number, tls in enumerate((False, True)):
        with mail.Smtp(service.smtp_port) as smtp:
            if tls:
                smtp.starttls()
            smtp.envelope([TOKEN.decode()])
            smtp.send(b'half closed %d\r\n.\r\n' % number)
            half_close(smtp, tls)
            if not tls:  # Python's TLS does not read behind its own close_notify
                assert smtp.reply()[0] == 250
                assert smtp.at_end()
        harness.wait_for(lambda: stored() == number + 1, 'the message is stored', log=service.log)


def test_mail_that_goes_round_is_quarantined():
    """Accepted, since a loop cannot go on here."""
    for count, kind in ((50, 'none'), (51, 'quarantined')):
        message = b'Received: by mx.example; Mon, 16 Nov 2026 10:00:00 +0000\r\n' * count
        message += b'Subject: x\r\n\r\nx\r\n'
        report = mail.report_id(mail.deliver(service.smtp_port, TOKEN.decode(), message))
        assert service.http.get('/v1/reports/' + report)['kind'] == kind, count


def test_stops_cleanly():
    service.stop()


tap.main(globals())
