#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Only CRLF.CRLF ends DATA: whatever else looks like an end to some server is part of the message. Each variant
is sent whole and a byte a segment, in clear and over TLS, and in the ways of the public scanners."""
import re
import select
import time

import harness
import mail
import tap

COMMANDS = (b'MAIL FROM:<x@attacker.example>\r\nRCPT TO:<evil@bounce.example>\r\nDATA\r\n'
            b'Subject: smuggled\r\n\r\nbody\r\n')

# What comes between a message's body and the commands that an attacker would like to have executed.
NOT_AN_END = [
    b'\n.\n', b'\n.\r\n', b'\r\n.\n', b'\r.\r', b'\r.\r\n', b'\r.\n', b'\n.\r', b'\r\n.\r',
    b'\r\n\0.\r\n', b'\r\n.\0\r\n', b'\r\n.\r\0\n', b'\r\0\n.\r\n',
    b'\r\n.\r\r\n', b'\r\r\n.\r\r\n',
    b'\r\n. \r\n', b'\r\n.\t\r\n', b'\r\n .\r\n', b'\r\n..\r\n',
    b'\n\n.\n\n', b'\r\n\n.\r\n', b'\r\r.\r\r', b'\r\n\r.\r\n',
    b'\r\n\v.\r\n', b'\r\n.\v\r\n', b'\r\n\f.\r\n', b'\r\n.\f\r\n', b'\r\n\x85.\r\n', b'\x85.\x85',
    b'\xc2\x85.\xc2\x85', b'\xe2\x80\xa8.\xe2\x80\xa8', b'\r\n\xef\xbb\xbf.\r\n', b'\r\n\xe2\x80\xa4\r\n',
    b'\r\n\xae\r\n',
]
# These hold a genuine CRLF.CRLF, whatever stands around it.
AN_END = [b'\r\r\n.\r\n', b'\0\r\n.\r\n', b'\n\r\n.\r\n']

CERTIFICATE, KEY = harness.certificate(harness.temporary_folder())

service = harness.Service(harness.Cluster(), tls__certificates=CERTIFICATE, tls__keys=KEY).start()


used = 0  # refs


def undo_dot_stuffing(data):
    return re.sub(rb'(^|\r\n)\.', rb'\1', data)


def stored(token):
    """Raw messages stored for a token's recipient."""
    with service.connect() as database:
        return [bytes(raw) for raw in harness.column(
            database, 'SELECT raw FROM report JOIN report_raw USING (account_id, report_id, received_at)'
            ' WHERE recipients @> ARRAY[%s]', token)]


def in_clear():
    return mail.Smtp(service.smtp_port)


def over_tls():
    return mail.Smtp(service.smtp_port).starttls()


def begin(token, connect=in_clear):
    smtp = connect()
    assert [code for code, _ in smtp.envelope([token])] == [250, 250, 354]
    return smtp


def reports():
    with service.connect() as database:
        return harness.single(database, 'SELECT count(*) FROM report')


def new_tokens(count):
    """Return paths that were not used yet: what came before counts as the same message."""
    global used
    used += count
    return service.tokens([(str(used - number), None, None) for number in range(count)])


def check_not_an_end(send, connect=in_clear):
    before = reports()
    for token, variant in zip(new_tokens(len(NOT_AN_END)), NOT_AN_END):
        wire = b'Subject: x\r\n\r\nbody' + variant + COMMANDS
        with begin(token, connect) as smtp:
            send(smtp, wire + b'.\r\n')
            mail.report_id(smtp.reply())
            # The one reply was for the one message: the next is NOOP's.
            assert smtp.command('NOOP')[0] == 250, variant
            assert stored(token) == [undo_dot_stuffing(wire)], (variant, stored(token))
            assert smtp.command('QUIT')[0] == 221, variant
            assert smtp.at_end(), variant
    assert reports() - before == len(NOT_AN_END), 'somebody else got one'


def test_look_alikes_do_not_end_the_message():
    check_not_an_end(mail.Smtp.send)


def test_look_alikes_do_not_end_the_message_byte_by_byte():
    check_not_an_end(mail.Smtp.send_bytewise)


def test_look_alikes_do_not_end_the_message_over_tls():
    check_not_an_end(mail.Smtp.send, over_tls)


def test_look_alikes_do_not_end_the_message_byte_by_byte_over_tls():
    check_not_an_end(mail.Smtp.send_bytewise, over_tls)


def check_an_end(send, connect=in_clear):
    for token, variant in zip(new_tokens(len(AN_END)), AN_END):
        with begin(token, connect) as smtp:
            send(smtp, b'Subject: x\r\n\r\nbody' + variant)
            report = service.http.get('/v1/reports/' + mail.report_id(smtp.reply()))
            assert stored(token) == [b'Subject: x\r\n\r\nbody' + variant[:-3]], variant
            assert 'bare-eol' in report['envelope']['flags'], (variant, report)
            assert smtp.command('NOOP')[0] == 250, variant


def test_genuine_end_among_odd_bytes_ends_the_message():
    check_an_end(mail.Smtp.send)
    check_an_end(mail.Smtp.send_bytewise)
    check_an_end(mail.Smtp.send, over_tls)
    check_an_end(mail.Smtp.send_bytewise, over_tls)


def test_scanner_that_waits_for_a_reply():
    """It sends the variant and nothing more: who answers has taken it for the end. Then it ends the message
    properly, or goes away."""
    before = reports()
    sessions = [begin(token) for token in new_tokens(len(NOT_AN_END))]
    for smtp, variant in zip(sessions, NOT_AN_END):
        smtp.send(b'Subject: scan\r\n\r\ntest' + variant)
    deadline = time.monotonic() + 2  # as long as the scanner listens
    while time.monotonic() < deadline:
        ready, _, _ = select.select([smtp.socket for smtp in sessions], [], [], deadline - time.monotonic())
        assert not ready, [NOT_AN_END[at] for at, smtp in enumerate(sessions) if smtp.socket in ready]
    for number, (smtp, variant) in enumerate(zip(sessions, NOT_AN_END)):
        if number % 2 == 0:
            smtp.send(mail.EOD)
            mail.report_id(smtp.reply())
            assert smtp.command('QUIT')[0] == 221, variant
        smtp.close()
    assert reports() - before == (len(NOT_AN_END) + 1) // 2


def test_scanner_that_smuggles_a_second_message():
    """A complete second message behind each variant, for a recipient of its own: it must never arrive. The
    letters are those that servers collapse or strip: between CR, LF and the dot."""
    filler = [b'', b'\0', b'\r', b'\n', b' ', b'\t', b'\v', b'\f', b'\x1a', b'\x85', b'\xa0', b'\xc2\xa0']
    made = {before + b'.' + after for before in (b'\r\n', b'\n', b'\r') for after in (b'\r\n', b'\n', b'\r')}
    variants = {head + fill + tail for variant in made for fill in filler for head, tail in
                ((variant[:cut], variant[cut:]) for cut in range(len(variant) + 1))}
    variants = sorted(variant for variant in variants if mail.EOD not in b'y' + variant + b'M')
    assert len(variants) > 300
    victim, = new_tokens(1)
    second = COMMANDS.replace(b'evil@bounce.example', victim.encode())
    todo = list(zip(new_tokens(len(variants)), variants))
    for at in range(0, len(todo), 90):
        with in_clear() as smtp:
            for token, variant in todo[at:at + 90]:
                wire = b'Subject: first\r\n\r\nbody' + variant + second
                assert [code for code, _ in smtp.envelope([token])] == [250, 250, 354], variant
                smtp.send(wire + b'.\r\n')
                mail.report_id(smtp.reply())
                assert stored(token) == [undo_dot_stuffing(wire)], variant
            assert smtp.command('NOOP')[0] == 250
    assert stored(victim) == []


def test_empty_message():
    token, = new_tokens(1)
    with begin(token) as smtp:
        smtp.send(b'.\r\n')
        mail.report_id(smtp.reply())
    assert stored(token) == [b'']


def test_bare_line_ends_are_marked():
    token, = new_tokens(1)
    with begin(token) as smtp:
        smtp.send(b'Subject: x\r\n\r\none\ntwo\r\n.\r\n')
        report = service.http.get('/v1/reports/' + mail.report_id(smtp.reply()))
    assert report['envelope']['flags'].split().count('bare-eol') == 1, report


def test_reject_mode_refuses_at_the_end_and_closes():
    strict = harness.Service(service.cluster, 'strict', smtp__bare_eol='reject').start()
    for number, variant in enumerate([b'\n.\n', b'\r\n.\n', b'\r.\r', b'a\rb', b'a\0b']):
        token = strict.token(ref=str(number + 1))
        with mail.Smtp(strict.smtp_port) as smtp:
            smtp.envelope([token])
            smtp.send(b'Subject: x\r\n\r\nbody' + variant + COMMANDS + b'.\r\n')
            code, text = smtp.reply()
            assert code == 550 and text.startswith('5.5.2'), (variant, code, text)
            assert smtp.at_end(), variant
    with strict.connect() as database:
        assert harness.single(database, 'SELECT count(*) FROM report') == 0
    strict.stop()


def test_without_pipelining_nothing_may_follow_the_end():
    """The hardened profile: the attack is dead even if the end of data were seen in the wrong place."""
    hardened = harness.Service(service.cluster, 'hardened', smtp__pipelining=False).start()
    for number, variant in enumerate(AN_END + [mail.EOD]):
        with mail.Smtp(hardened.smtp_port) as smtp:
            assert 'PIPELINING' not in smtp.extensions
            for command in ('MAIL FROM:<>', 'RCPT TO:<%s>' % hardened.token(ref=str(number + 1)), 'DATA'):
                assert smtp.command(command)[0] in (250, 354)
            smtp.send(b'Subject: x\r\n\r\nbody' + variant + COMMANDS + b'.\r\n')
            assert smtp.reply()[0] == 554, variant
            assert smtp.at_end(), variant
    with hardened.connect() as database:
        assert harness.single(database, 'SELECT count(*) FROM report') == 0
    hardened.stop()


def test_stops_cleanly():
    service.stop()


tap.main(globals())
