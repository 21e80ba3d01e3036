#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The program as it is shipped: no sanitizers, the parser's memory limit and sandbox in force."""
import os

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


tap.main(globals())
