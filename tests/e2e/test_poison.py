#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Messages that crash or hang a parser are kept and answered 250, and hold up nobody else."""
import os
import signal
import time

import harness
import mail
import tap

NESTED_GROUPS = b'Subject: x\r\nTo: ' + b'g:' * 40960 + b'\r\n\r\nbody\r\n'
PARSE_SECONDS = 2  # what a parser is given, and a message behind it would wait
PARSERS = 2 * 2  # processes, and children of each

service = harness.Service(harness.Cluster()).start()


def report_of(reply):
    return service.http.get('/v1/reports/' + mail.report_id(reply))


def all_parsers(but=()):
    """The parser children, once all are there and ready, which they are from when their sandbox closed:
    one that stops before is no fault of the message it was given."""
    def complete():
        pids = [pid for pid in service.processes('parser') if harness.sandboxed(pid)]
        return len(pids) == PARSERS and not set(pids) & set(but) and pids
    return harness.wait_for(complete, 'every parser child is ready', log=service.log)


def check_next_message(smtp, ref):
    """The message after a poisoned one is read as ever, and at once."""
    address = 'a%s@recipient.example' % ref
    token = service.token(ref=ref, address=address)
    begin = time.monotonic()
    report = report_of(smtp.deliver(token, mail.dsn(token, address, number=ref)))
    assert report['kind'] == 'bounce', report
    assert time.monotonic() - begin < PARSE_SECONDS, 'delayed by %.1f s' % (time.monotonic() - begin)


def test_nested_groups_are_quarantined_and_delay_nobody():
    with mail.Smtp(service.smtp_port) as smtp:
        report = report_of(smtp.deliver(service.token(ref='1'), NESTED_GROUPS))
        assert report['kind'] == 'quarantined', report
        assert report['quarantine'], report
        raw = service.http.get('/v1/reports/%s/raw' % report['id'])
        assert raw == NESTED_GROUPS
        check_next_message(smtp, '2')


def test_nested_groups_inside_a_returned_message():
    token = service.token(ref='3')
    inner = mail.dsn(token, 'b@recipient.example', number='inner').replace(
        b'To: <b@recipient.example>', b'To: ' + b'g:' * 40960)
    with mail.Smtp(service.smtp_port) as smtp:
        report = report_of(smtp.deliver(token, inner))
        assert report['kind'] == 'quarantined' and 'died' not in report['quarantine'], report
        check_next_message(smtp, '4')


def test_a_hanging_parser_is_replaced_and_its_message_quarantined():
    before = all_parsers()
    for pid in before:
        os.kill(pid, signal.SIGSTOP)
    address = 'hang@recipient.example'
    token = service.token(ref='5', address=address)
    with mail.Smtp(service.smtp_port) as smtp:
        report = report_of(smtp.deliver(token, mail.dsn(token, address, number='hang')))
        assert report['kind'] == 'quarantined', report
    for pid in before:
        if harness.command_line(pid):
            os.kill(pid, signal.SIGCONT)
    with mail.Smtp(service.smtp_port) as smtp:
        check_next_message(smtp, '6')


def test_a_parser_that_died_idle_costs_no_message():
    before = all_parsers()
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    all_parsers(but=before)
    with mail.Smtp(service.smtp_port) as smtp:
        check_next_message(smtp, '7')
        check_next_message(smtp, '8')


def test_stops_cleanly():
    service.stop()


tap.main(globals())
