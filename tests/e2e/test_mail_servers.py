#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A real Postfix is handed a mail with a token as its return path for a recipient that its next hop
refuses. The report that Postfix itself writes must suppress that recipient."""
import harness
import mail
import postfix
import tap

ADDRESS = 'nobody@refused.example'


def test_report_of_a_real_postfix_suppresses_the_recipient():
    postfix.require()
    service = harness.Service(harness.Cluster()).start()
    next_hop = postfix.RefusingServer()
    mta = postfix.Postfix({'refused.example': next_hop.port, harness.DOMAIN: service.smtp_port})
    token = service.token(ref='4711', address=ADDRESS, campaign=7)
    news = mail.lines('From: News <news@sender.example>', 'To: <%s>' % ADDRESS, 'Subject: News', '', 'Hello.')
    assert service.http.status('GET', '/v1/suppressions/' + ADDRESS) == 404

    code, text = mail.deliver(mta.port, ADDRESS, news, sender=token)
    assert code == 250, (code, text)

    harness.wait_for(lambda: service.http.status('GET', '/v1/suppressions/' + ADDRESS) == 200,
                     'its report suppresses the recipient', 30, mta.log)
    event, = service.http.all('/v1/events', address=ADDRESS)
    assert event['kind'] == 'bounce', event
    assert event['trust'] == 'verified', event
    assert (event['ref'], event['campaign'], event['status'], event['reason'], event['severity']) == (
        '4711', 7, '5.1.1', 'userunknown', 'hard'), event
    raw = service.http.get('/v1/reports/%s/raw' % event['report_id'])
    assert b'X-Postfix-Queue-ID:' in raw, raw
    harness.wait_for(lambda: mta.queued() == 0, 'Postfix has nothing left to send')
    mta.stop()
    service.stop()


tap.main(globals())
