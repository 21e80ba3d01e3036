#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""With the database away, mail waits at its sender (451, quickly); with it back, all goes on without a
restart. A database that could lose what it committed is refused at the start."""
import time

import harness
import mail
import tap

cluster = harness.Cluster()
service = harness.Service(cluster).start()


def reply_to(message, token):
    """The first refusal of a transaction, or the reply to its end-of-data, with the seconds it took."""
    begin = time.monotonic()
    code, text = mail.deliver(service.smtp_port, token, message)
    return code, text, time.monotonic() - begin


def test_away_means_451_and_back_means_250():
    token = service.token(ref='1', address='a@recipient.example')
    message = mail.dsn(token, 'a@recipient.example')
    cluster.stop()
    for _ in range(5):
        code, text, seconds = reply_to(message, token)
        assert code == 451, (code, text)
        assert seconds < 5, seconds
    code, text, seconds = reply_to(message, token)
    assert code == 451 and seconds < 1, (code, text, seconds)
    assert harness.wait_for(lambda: service.http.status('GET', '/readyz') == 503, '/readyz says so')
    assert service.http.status('GET', '/healthz') == 200
    assert service.http.status('GET', '/v1/events') == 503

    cluster.start()
    harness.wait_for(lambda: reply_to(message, token)[0] == 250, 'mail is taken again')
    harness.wait_for(lambda: service.http.status('GET', '/readyz') == 200, '/readyz says so')
    event, = service.http.all('/v1/events')
    assert event['address'] == 'a@recipient.example', event


def test_lost_in_the_middle_of_a_message():
    token = service.token(ref='2', address='b@recipient.example')
    with mail.Smtp(service.smtp_port) as smtp:
        assert [code for code, _ in smtp.envelope([token])] == [250, 250, 354]
        cluster.kill()
        smtp.send(mail.dsn(token, 'b@recipient.example', number=2) + b'.\r\n')
        code, text = smtp.reply()
        assert code == 451, (code, text)
    cluster.start()
    harness.wait_for(lambda: reply_to(mail.dsn(token, 'b@recipient.example', number=2), token)[0] == 250,
                     'mail is taken again')
    assert len(service.http.all('/v1/events', address='b@recipient.example')) == 1


def test_unsafe_settings_are_refused():
    unsafe = harness.Cluster(settings=['synchronous_commit = off'])
    refused = harness.Service(unsafe)
    refused.process = harness.start_process([refused.program, '-c', refused.configuration, 'serve'],
                                            refused.log)
    said = harness.wait_for(lambda: 'synchronous_commit' in harness.tail(refused.log)
                            and harness.tail(refused.log), 'the log says why')
    assert refused.process.poll() is not None or not refused.takes_mail(), said
    refused.kill()


def test_stops_cleanly():
    service.stop()


tap.main(globals())
