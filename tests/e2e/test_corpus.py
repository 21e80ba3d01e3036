#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every message of a corpus ($BOUNCED_CORPUS, a folder with messages/ below) is answered 250 and stored
as it was sent; sent again, it changes nothing."""
import concurrent.futures
import glob
import os

import harness
import mail
import tap

PER_SESSION = 50
SESSIONS = 4


def corpus():
    folder = os.environ.get('BOUNCED_CORPUS')
    if not folder:
        raise tap.Skip('BOUNCED_CORPUS is not set')
    paths = sorted(path for path in glob.glob(os.path.join(folder, 'messages', '**'), recursive=True)
                   if os.path.isfile(path))
    messages = {}
    for path in paths:
        with open(path, 'rb') as file:
            data = file.read()
        # A mail client sends CRLF, so what differs only in its line ends is one message on the wire.
        messages.setdefault(mail.with_crlf(data), path)
    assert messages, folder + ' holds no messages'
    return list(messages)


def send_all(service, work):
    """Delivers (token, message) pairs; returns the report ids in the same order."""
    def session(part):
        with mail.Smtp(service.smtp_port) as smtp:
            return [mail.report_id(smtp.deliver(token, message)) for token, message in part]
    parts = [work[at:at + PER_SESSION] for at in range(0, len(work), PER_SESSION)]
    with concurrent.futures.ThreadPoolExecutor(SESSIONS) as pool:
        return [report for part in pool.map(session, parts) for report in part]


def state(database):
    """What must not change when everything is sent again."""
    return {
        'events': harness.single(database, 'SELECT count(*) FROM event'),
        'reports': harness.single(database, 'SELECT count(*) FROM report'),
        'suppressions': harness.single(database, 'SELECT count(*) FROM suppression'),
        'counted': harness.single(database, 'SELECT coalesce(sum(events), 0)::bigint FROM rollup_hour'),
        'change': harness.single(database, 'SELECT max(change_number) FROM account'),
    }


def test_every_message_is_stored_once():
    messages = corpus()
    service = harness.Service(harness.Cluster()).start()
    tokens = service.tokens([(str(number + 1), None, None) for number in range(len(messages))])
    work = list(zip(tokens, messages))

    reports = send_all(service, work)
    assert len(set(reports)) == len(messages)
    with service.connect() as database:
        raw = {str(report): bytes(data) for report, data in
               harness.rows(database, 'SELECT report_id, raw FROM report_raw')}
        assert set(raw) == set(reports)
        for report, message in zip(reports, messages):
            assert raw[report] == message, report
        kinds = dict(harness.rows(database, 'SELECT kind, count(*) FROM report GROUP BY kind'))
        assert kinds.get('bounce', 0) > len(messages) / 2, kinds
        before = state(database)
        assert before['events'] >= before['reports'] / 2, before

        again = send_all(service, work)
        assert again == reports, 'a message sent again must name its first report'
        assert state(database) == before
    service.stop()


tap.main(globals())
