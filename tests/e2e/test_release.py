#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The program as it is shipped: no sanitizers, the parser's memory limit and sandbox in force."""
import os
import re
import shutil
import subprocess

import harness
import mail
import tap

RELEASE = os.path.join(harness.ROOT, 'build/bounced')


def test_a_bounce_and_a_poisoned_message():
    service = harness.Service(harness.Cluster(), program=RELEASE).start()
    address = 'release@recipient.example'
    token = service.token(ref='1', address=address)
    groups = b'To: ' + b'g:' * 40960 + b'\r\n\r\nbody\r\n'
    with mail.Smtp(service.smtp_port) as smtp:
        poisoned = mail.report_id(smtp.deliver(token, groups))
        bounced = mail.report_id(smtp.deliver(token, mail.dsn(token, address)))
    assert service.http.get('/v1/reports/' + poisoned)['kind'] == 'quarantined'
    event, = service.http.all('/v1/events', address=address)
    assert (event['report_id'], event['effect']) == (bounced, 'suppress'), event
    assert service.http.status('GET', '/v1/suppressions/' + address) == 200
    harness.wait_for(lambda: [harness.sandboxed(pid) for pid in service.processes('parser')] == [True] * 4,
                     'every parser child runs in its sandbox')
    service.stop()


def test_it_connects_to_nobody_but_its_database_and_its_resolver():
    """Whatever arrives: bounces, replies, loops, complaints with and without a token."""
    tracer = shutil.which('strace')
    if not tracer or subprocess.run([tracer, '-o', os.devnull, 'true'], capture_output=True).returncode:
        raise tap.Skip('strace is not installed, or may not trace here')
    folder = harness.temporary_folder()
    program, trace = os.path.join(folder, 'bounced'), os.path.join(folder, 'trace')
    with open(program, 'w') as file:
        file.write('#!/bin/sh\n[ "$3" = serve ] || exec %s "$@"\n'
                   'exec %s -D -f -qq -e signal=none -e trace=connect,sendto,sendmsg,sendmmsg -o %s %s "$@"\n' % (
                       RELEASE, tracer, trace, RELEASE))
    os.chmod(program, 0o755)
    service = harness.Service(harness.Cluster(), 'traced', program=program).start()
    token = service.token(ref='1', address='one@recipient.example')
    loop = b'Received: by x\r\n' * 60 + b'Disposition-Notification-To: a@b.example\r\n\r\nx\r\n'
    with mail.Smtp(service.smtp_port) as smtp:
        for number, sender in enumerate(('', 'somebody@sender.example', 'postmaster@bounce.example')):
            for message in (mail.dsn(token, 'one@recipient.example', number=number), loop,
                            mail.arf('fbl@' + harness.DOMAIN, 'news@sender.example', number=number)):
                mail.report_id(smtp.deliver([token, 'fbl@' + harness.DOMAIN], message, sender))
        assert smtp.command('RCPT TO:<a@elsewhere.example>')[0] == 503
    service.stop()
    with open(trace) as file:
        ports = set(re.findall(r'sin6?_port=htons\((\d+)\)', file.read()))
    assert ports == {'9'}, ports  # of dns.server in these tests


tap.main(globals())
