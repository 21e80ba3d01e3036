#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Only CRLF.CRLF ends DATA: whatever else looks like an end to some server is part of the message."""
import re

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


def check_not_an_end(send, connect=in_clear):
    tokens = service.tokens([(str(number + 1), None, None) for number in range(len(NOT_AN_END))])
    for token, variant in zip(tokens, NOT_AN_END):
        wire = b'Subject: x\r\n\r\nbody' + variant + COMMANDS
        with begin(token, connect) as smtp:
            send(smtp, wire + b'.\r\n')
            mail.report_id(smtp.reply())
            # The one reply was for the one message: the next is NOOP's.
            assert smtp.command('NOOP')[0] == 250, variant
            assert stored(token) == [undo_dot_stuffing(wire)], (variant, stored(token))
            assert smtp.command('QUIT')[0] == 221, variant
            assert smtp.at_end(), variant


def test_look_alikes_do_not_end_the_message():
    check_not_an_end(mail.Smtp.send)


def test_look_alikes_do_not_end_the_message_byte_by_byte():
    check_not_an_end(mail.Smtp.send_bytewise)


def test_look_alikes_do_not_end_the_message_over_tls():
    check_not_an_end(mail.Smtp.send, over_tls)


def test_look_alikes_do_not_end_the_message_byte_by_byte_over_tls():
    check_not_an_end(mail.Smtp.send_bytewise, over_tls)


def test_genuine_end_among_odd_bytes_ends_the_message():
    tokens = service.tokens([(str(number + 1000), None, None) for number in range(len(AN_END))])
    for token, variant in zip(tokens, AN_END):
        with begin(token) as smtp:
            smtp.send(b'Subject: x\r\n\r\nbody' + variant)
            mail.report_id(smtp.reply())
            assert stored(token) == [b'Subject: x\r\n\r\nbody' + variant[:-3]], variant


def test_empty_message():
    token = service.token(ref='2000')
    with begin(token) as smtp:
        smtp.send(b'.\r\n')
        mail.report_id(smtp.reply())
    assert stored(token) == [b'']


def test_bare_line_ends_are_marked():
    token = service.token(ref='2001')
    with begin(token) as smtp:
        smtp.send(b'Subject: x\r\n\r\none\ntwo\r\n.\r\n')
        report = service.http.get('/v1/reports/' + mail.report_id(smtp.reply()))
    assert 'bare-eol' in report['envelope']['flags'], report


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


def test_stops_cleanly():
    service.stop()


tap.main(globals())
