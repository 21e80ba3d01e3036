# SPDX-License-Identifier: Apache-2.0
"""An SMTP client that sends exactly the bytes it is told to, and the reports that tests send with it."""
import re
import socket
import ssl

EOD = b'\r\n.\r\n'


def dot_stuff(message):
    """As RFC 5321 4.5.2 has it: a dot at the beginning of a line is doubled. Only CRLF ends a line."""
    return re.sub(rb'(^|\r\n)\.', rb'\1..', message)


def with_crlf(text):
    """As a mail client would send it: any line end becomes CRLF, and the last line has one."""
    lines = re.sub(rb'\r\n|\r|\n', b'\n', text).rstrip(b'\n')
    return lines.replace(b'\n', b'\r\n') + b'\r\n'


def connect(to, timeout=60):
    """to: a port of 127.0.0.1, (host, port), the path of a Unix socket, or a connection that there is."""
    if isinstance(to, socket.socket):
        return to
    if isinstance(to, str):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(timeout)
        connection.connect(to)
        return connection
    connection = socket.create_connection(to if isinstance(to, tuple) else ('127.0.0.1', to), timeout)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def any_tls():
    """A client's context that trusts anybody, as senders of mail do."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


class Smtp:
    """One session. Replies are (code, text); EOFError when the server closed.

    port: whatever connect() takes. first: bytes to send before anything else.
    """

    def __init__(self, port, timeout=60, hello='sender.example', verb='EHLO', first=b'', tls=None):
        self.socket = connect(port, timeout)
        self.buffer = b''
        self.socket.sendall(first)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname='mx.bounce.example')
        self.greeting = self.reply()
        if hello:
            self.hello(hello, verb)

    def hello(self, name='sender.example', verb='EHLO'):
        code, self.extensions = self.command('%s %s' % (verb, name))
        assert code == 250, self.extensions

    def starttls(self, context=None, name='mx.bounce.example', hello='sender.example'):
        """STARTTLS, the handshake and a new EHLO; returns the session itself."""
        reply = self.command('STARTTLS')
        assert reply[0] == 220, reply
        self.socket = (context or any_tls()).wrap_socket(self.socket, server_hostname=name)
        if hello:
            self.hello(hello)
        return self

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def send_bytewise(self, data):
        for at in range(len(data)):
            self.socket.sendall(data[at:at + 1])

    def line(self):
        while b'\n' not in self.buffer:
            received = self.socket.recv(65536)
            if not received:
                raise EOFError('connection closed after %r' % self.buffer)
            self.buffer += received
        line, self.buffer = self.buffer.split(b'\n', 1)
        return line.decode('utf-8', 'replace').rstrip('\r')

    def reply(self):
        text = []
        while True:
            line = self.line()
            text.append(line[4:])
            if line[3:4] != '-':
                return int(line[:3]), '\n'.join(text)

    def command(self, line):
        self.send(line.encode() + b'\r\n')
        return self.reply()

    def at_end(self):
        """The server has closed, and said nothing more."""
        try:
            return self.buffer == b'' and self.socket.recv(1) == b''
        except ConnectionResetError:
            return True

    def envelope(self, recipients, sender=''):
        """MAIL, RCPT and DATA in one segment; returns their replies."""
        lines = ['MAIL FROM:<%s>' % sender] + ['RCPT TO:<%s>' % r for r in recipients] + ['DATA']
        self.send(''.join(line + '\r\n' for line in lines).encode())
        return [self.reply() for _ in lines]

    def deliver(self, recipients, message, sender=''):
        """One message; returns the reply to end-of-data, or the first refusal before it."""
        recipients = [recipients] if isinstance(recipients, str) else recipients
        for code, text in self.envelope(recipients, sender):
            if code >= 400:
                return code, text
        stuffed = dot_stuff(message)
        self.send(stuffed + (b'.\r\n' if message.endswith(b'\r\n') or not message else EOD))
        return self.reply()


def deliver(port, recipients, message, sender=''):
    """One message in a session of its own."""
    with Smtp(port) as smtp:
        return smtp.deliver(recipients, message, sender)


def report_id(reply):
    """The id that a 250 names."""
    code, text = reply
    assert code == 250, reply
    found = re.search(r'[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}', text)
    assert found, 'no report id in %r' % text
    return found.group(0)


def lines(*text):
    return '\r\n'.join(text).encode('utf-8') + b'\r\n'


def dsn(to, recipient, status='5.1.1', diagnostic='550 5.1.1 <%s>: no such user here', action='failed',
        number=1, returned=()):
    """A delivery status notification (RFC 3464) as a mail server writes it, about one recipient."""
    said = diagnostic % recipient if '%s' in diagnostic else diagnostic
    return lines(
        'From: Mail Delivery System <MAILER-DAEMON@mta.example>',
        'To: <%s>' % to,
        'Subject: Undelivered Mail Returned to Sender',
        'Message-ID: <dsn-%s@mta.example>' % number,
        'Date: Mon, 16 Nov 2026 10:00:00 +0000',
        'MIME-Version: 1.0',
        'Auto-Submitted: auto-replied',
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b-%s"' % number,
        '',
        '--b-%s' % number,
        'Content-Type: text/plain; charset=us-ascii',
        '',
        'Your message could not be delivered to one recipient.',
        '',
        '<%s>: %s' % (recipient, said),
        '',
        '--b-%s' % number,
        'Content-Type: message/delivery-status',
        '',
        'Reporting-MTA: dns; mta.example',
        'Arrival-Date: Mon, 16 Nov 2026 09:59:00 +0000',
        '',
        'Final-Recipient: rfc822; %s' % recipient,
        'Action: %s' % action,
        'Status: %s' % status,
        'Remote-MTA: dns; mx.recipient.example',
        'Diagnostic-Code: smtp; %s' % said,
        '',
        '--b-%s' % number,
        'Content-Type: text/rfc822-headers',
        '',
        'From: News <news@sender.example>',
        'To: <%s>' % recipient,
        'Subject: November news',
        'Message-ID: <news-%s@sender.example>' % number,
        *returned,
        '',
        '--b-%s--' % number)


def arf(to, return_path, reporter='fbl@provider.example', redacted='redacted@redacted.invalid', number=1):
    """A feedback report (RFC 5965) whose recipients are all redacted; only the returned message's return
    path tells whom it is about."""
    return lines(
        'From: Feedback loop <%s>' % reporter,
        'To: <%s>' % to,
        'Subject: Abuse report',
        'Message-ID: <arf-%s@provider.example>' % number,
        'Date: Mon, 16 Nov 2026 10:00:00 +0000',
        'MIME-Version: 1.0',
        'Content-Type: multipart/report; report-type=feedback-report; boundary="a-%s"' % number,
        '',
        '--a-%s' % number,
        'Content-Type: text/plain; charset=us-ascii',
        '',
        'This is an abuse report for a message received on 16 November 2026.',
        '',
        '--a-%s' % number,
        'Content-Type: message/feedback-report',
        '',
        'Feedback-Type: abuse',
        'User-Agent: Provider-FBL/1.0',
        'Version: 1',
        'Original-Mail-From: <%s>' % redacted,
        'Original-Rcpt-To: <%s>' % redacted,
        'Source-IP: 192.0.2.25',
        '',
        '--a-%s' % number,
        'Content-Type: message/rfc822',
        '',
        'Return-Path: <%s>' % return_path,
        'From: News <news@sender.example>',
        'To: <%s>' % redacted,
        'Subject: November news',
        'Message-ID: <news-%s@sender.example>' % number,
        '',
        'News of November.',
        '',
        '--a-%s--' % number)
