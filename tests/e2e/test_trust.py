#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Who may change a suppression list: forged, foreign, flipped, late and repeated reports, wrapped return
paths, the life of a token key, and legacy return paths. Tokens are minted here, by the page docs/token.md
alone, with the exported key."""
import base64
import datetime
import hashlib
import hmac
import itertools
import json
import os
import subprocess

import harness
import mail
import tap

service = harness.Service(harness.Cluster()).start()
TODAY = (datetime.datetime.now(datetime.timezone.utc).date() - datetime.date(2025, 1, 1)).days


def records(*arguments):
    return [json.loads(line) for line in service.cli(*arguments, '--json').splitlines()]


def fails(*arguments):
    done = subprocess.run([service.program, '-c', service.configuration] + list(arguments),
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
    assert done.returncode != 0, arguments
    return done.stderr.decode()


def secret_of(key, account='demo'):
    record, = records('token-key', 'export', '--account', account, str(key))
    assert base64.urlsafe_b64decode(record['base64url'] + '=').hex() == record['hex'], record
    return bytes.fromhex(record['hex'])


def varint(value):
    out = b''
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def mint(ref, address=None, age=0, account=1, key=0, secret=None):
    secret = secret or SECRET
    body = bytes([1 << 5 | (2 if address else 0), key]) + (TODAY - age).to_bytes(2, 'big')
    body += varint(account) + varint(0) + varint(ref)
    if address:
        body += hmac.digest(secret, b'bounced/commitment/1' + address.encode(), 'sha256')[:5]
    body += hmac.digest(secret, b'bounced/token/1' + body, 'sha256')[:10]
    return 'b-' + base64.b32encode(body).decode().lower().rstrip('=')


SECRET = secret_of(0)


def at(local):
    return '%s@%s' % (local, harness.DOMAIN)


def results(**question):
    return [r['result'] for r in service.http.ok('POST', '/v1/suppressions/check', question)['results']]


def bounce(to, recipient, number):
    """Delivers a hard bounce; its report as the API shows it."""
    reply = mail.deliver(service.smtp_port, to, mail.dsn(to, recipient, number=number))
    return service.http.get('/v1/reports/' + mail.report_id(reply))


def changed(query, *values):
    with service.connect() as connection:
        return harness.single(connection, query, *values)


def test_without_a_token():
    report = bounce(at('abuse'), 'one@recipient.example', 'none')
    assert report['trust'] == 'unverified', report
    assert results(addresses=['one@recipient.example']) == ['clear']


def test_a_token_of_another_account():
    """Its holder may speak for that account's recipient, never for one of ours."""
    service.cli('account', 'create', 'other')
    service.cli('token-key', 'create', '--account', 'other')
    foreign = mint(11, 'two@recipient.example', account=2, secret=secret_of(0, 'other'))
    message = mail.dsn(at(foreign), 'two@recipient.example', number='foreign')
    harness.wait_for(lambda: mail.deliver(service.smtp_port, at(foreign), message)[0] == 250,
                     'the new account is known')
    assert results(addresses=['two@recipient.example'], refs=['11']) == ['clear', 'clear']
    # signed with the wrong account's key
    report = bounce(at(mint(12, 'two@recipient.example', secret=secret_of(0, 'other'))),
                    'two@recipient.example', 'wrong-key')
    assert report['trust'] == 'unverified', report
    assert results(addresses=['two@recipient.example'], refs=['12']) == ['clear', 'clear']


def test_every_flipped_bit():
    token = mint(13, 'three@recipient.example')
    raw = base64.b32decode(token[2:].upper() + '=' * (-len(token[2:]) % 8))
    with mail.Smtp(service.smtp_port) as smtp:
        for bit in range(len(raw) * 8):
            forged = bytearray(raw)
            forged[bit // 8] ^= 1 << bit % 8
            text = 'b-' + base64.b32encode(bytes(forged)).decode().lower().rstrip('=')
            if bit and bit % 90 == 0:
                smtp.close()
                smtp.__init__(service.smtp_port)
            code, _ = smtp.deliver(at(text), mail.dsn(at(text), 'three@recipient.example', number='bit%d' % bit))
            assert code in (250, 451), (bit, code)
            if code == 451:
                smtp.command('RSET')
    assert results(addresses=['three@recipient.example'], refs=['13']) == ['clear', 'clear']
    assert changed("SELECT count(*) FROM event WHERE account_id = 1 AND ref = '13'") == 0


def test_an_expired_token():
    address = 'four@recipient.example'
    to = at(mint(14, address, age=15))
    report = bounce(to, address, 'late')
    event, = service.http.all('/v1/events', ref='14')
    assert event['report_id'] == report['id'] and event['late'] and event['effect'] == 'none', event
    assert results(addresses=[address]) == ['clear']
    bounce(at(mint(14, address, age=14)), address, 'not-late')
    assert results(addresses=[address]) == ['suppressed']


def test_a_thousand_repetitions():
    """The same bytes; the same notification with other headers; and others about the same token."""
    address = 'five@recipient.example'
    to = at(mint(15, address))
    message = mail.dsn(to, address, number='again')
    for _ in range(10):
        with mail.Smtp(service.smtp_port) as smtp:
            for _ in range(90):
                assert smtp.deliver(to, message)[0] == 250
    for n in range(10):
        with mail.Smtp(service.smtp_port) as smtp:
            for i in range(5):
                assert smtp.deliver(to, b'X-Hop: %d.%d\r\n' % (n, i) + message)[0] == 250
                assert smtp.deliver(to, mail.dsn(to, address, number='n%d-%d' % (n, i)))[0] == 250
    events = service.http.all('/v1/events', ref='15')
    assert len(events) == 51, len(events)
    effects = [event['effect'] for event in events]
    assert (effects.count('suppress'), effects.count('none')) == (1, 50), effects
    assert {event['policy'] for event in events if event['effect'] == 'none'} == {'cap/token'}
    assert changed("SELECT count(*) FROM suppression WHERE address_key = %s", address) == 1
    # Taken off the list by hand, it stays off: that token has had its effect.
    assert service.http.status('DELETE', '/v1/suppressions/' + address) in (200, 204)
    bounce(to, address, 'after')
    assert results(addresses=[address]) == ['clear']
    bounce(at(mint(15, address, age=1)), address, 'new-token')
    assert results(addresses=[address]) == ['suppressed']


def test_wrapped_and_upper_cased():
    for ref, wrap in ((21, str.upper), (22, 'SRS0=HHHH=TT=bounce.example={}'.format),
                      (23, 'prvs=1234abcdef={}'.format),
                      (24, 'SRS1=HHHH=other.example==HHHH=TT=bounce.example={}'.format)):
        address = 'w%d@recipient.example' % ref
        report = bounce(at(wrap(mint(ref, address))), address, 'wrap%d' % ref)
        assert report['trust'] == 'verified', (ref, report)
        assert results(addresses=[address]) == ['suppressed'], ref


def test_a_success_report_changes_nothing():
    address = 'w21@recipient.example'
    to = at(mint(25, address))
    mail.report_id(mail.deliver(service.smtp_port, to, mail.dsn(to, address, '2.0.0', '250 2.0.0 OK',
                                                               'delivered', number='fine')))
    assert results(addresses=[address]) == ['suppressed']


def test_rotation_in_two_steps():
    record, = records('token-key', 'create', '--account', 'demo')
    assert (record['id'], record['state']) == (1, 'next'), record

    def activated():
        done = subprocess.run([service.program, '-c', service.configuration, 'token-key', 'activate',
                               '--account', 'demo', '1'], capture_output=True, timeout=60)
        assert done.returncode == 0 or b'not known yet' in done.stderr, done.stderr
        return done.returncode == 0
    harness.wait_for(activated, 'every ingest process knows the key', 40, service.log)
    states = {r['id']: r['state'] for r in records('token-key', 'list', '--account', 'demo')}
    assert states == {0: 'retired', 1: 'current'}, states
    # Both verify at once, at every process, and what is minted from now on has the new one.
    for n in range(8):
        key = n % 2
        address = 'r%d@recipient.example' % n
        report = bounce(at(mint(30 + n, address, key=key, secret=secret_of(key))), address, 'r%d' % n)
        assert report['trust'] == 'verified', report
    minted = harness.wait_for(lambda: [t for t in [service.token(ref='40')]
                                       if base64.b32decode(t[2:10].upper())[1] == 1], 'the new key mints')
    assert minted


def test_keys_are_sealed():
    """Neither in the database nor in its backups in clear; another master key opens nothing."""
    dump = subprocess.run([service.cluster.program('pg_dump'), service.cluster.dsn(service.database)],
                          capture_output=True, check=True, timeout=60).stdout
    for key in (0, 1):
        secret = secret_of(key)
        for text in (secret, secret.hex().encode(), base64.b64encode(secret)):
            assert text not in dump, key
    path = os.path.join(service.folder, 'master.key')
    with open(path) as file:
        right = file.read()
    with open(path, 'w') as file:
        file.write(os.urandom(32).hex() + '\n')
    try:
        fails('token-key', 'export', '--account', 'demo', '1')
    finally:
        with open(path, 'w') as file:
            file.write(right)


def test_a_retired_key_verifies_and_signs_no_more():
    """Without a successor, too."""
    secret = secret_of(0, 'other')
    service.cli('token-key', 'retire', '--account', 'other', '0')
    service.cli('domain', 'add', 'other.example', '--account', 'other')
    assert 'no current token key' in fails('token', 'mint', '--account', 'other', '--ref', '48')
    to = at(mint(48, 'retired@recipient.example', account=2, secret=secret))
    reply = mail.deliver(service.smtp_port, to, mail.dsn(to, 'retired@recipient.example', number='retired'))
    assert changed('SELECT trust FROM event WHERE report_id = %s', mail.report_id(reply)) == 'verified'


def test_our_own_mistakes_are_put_off_with_an_alert():
    """A key that no process knows, a token of tomorrow: 451. However often, the log says so once a process."""
    mistakes = {'unknown_key': mint(46, key=200), 'future': mint(47, age=-2)}
    for why, token in mistakes.items():
        for _ in range(4):
            with mail.Smtp(service.smtp_port) as smtp:
                assert smtp.command('MAIL FROM:<>')[0] == 250
                for _ in range(10):
                    code, text = smtp.command('RCPT TO:<%s>' % at(token))
                    assert (code, text[:5]) == (451, '4.7.1'), (why, code, text)
        with open(service.log) as log:
            alerts = [json.loads(line) for line in log if '"return_path_put_off"' in line and '"%s"' % why in line]
        assert len(alerts) in (1, 2) and alerts[0]['event'] == 'alert', alerts
        assert alerts[0]['domain'] == harness.DOMAIN, alerts


def test_a_revoked_key():
    assert 'is current' in fails('token-key', 'activate', '--account', 'demo', '--force', '1')
    service.cli('token-key', 'revoke', '--account', 'demo', '0')

    def refused():
        to = at(mint(50, 'revoked@recipient.example'))
        report = bounce(to, 'revoked@recipient.example', os.urandom(4).hex())
        return report['trust'] == 'unverified'
    harness.wait_for(refused, 'the revoked key verifies no more')
    assert 'revoked' in fails('token-key', 'export', '--account', 'demo', '0')


def test_legacy_return_paths():
    secret = os.path.join(service.folder, 'legacy.secret')
    with open(secret, 'w') as file:
        file.write('a secret\n')
    assert 'word between' in fails('domain', 'pattern', 'add', harness.DOMAIN, '{ref}')
    service.cli('domain', 'set', harness.DOMAIN, 'reject_invalid=550')
    service.cli('domain', 'pattern', 'add', harness.DOMAIN, 'news+{local}={domain}')
    service.cli('domain', 'pattern', 'add', harness.DOMAIN, 'ref-{ref}-{hmac}', '--secret-file', secret,
                '--covers', '{ref}')
    assert [p['number'] for p in records('domain', 'pattern', 'list')] == [1, 2]

    def known():
        """Sixteen sessions in a row, so that every process was asked."""
        for _ in range(16):
            with mail.Smtp(service.smtp_port) as smtp:
                replies = smtp.envelope([at('news+l1=recipient.example'), at('ref-7'), at('nothing')])
                if [code for code, _ in replies[1:4]] != [250, 550, 550]:
                    return False
        return True
    harness.wait_for(known, 'the patterns are known', 20, service.log)

    report = bounce(at('news+L1=Recipient.example'), 'l1@recipient.example', 'l1')
    assert report['trust'] == 'legacy', report
    assert results(addresses=['l1@recipient.example']) == ['suppressed']
    report = bounce(at('news+l2=recipient.example'), 'victim@recipient.example', 'l2')
    assert report['trust'] == 'unverified', report
    assert results(addresses=['victim@recipient.example', 'l2@recipient.example']) == ['clear', 'clear']

    mac = hmac.new(b'a secret', b'777', hashlib.sha256).hexdigest()[:16]
    report = bounce(at('ref-777-' + mac), 'l3@recipient.example', 'l3')
    assert report['trust'] == 'verified', report
    assert results(refs=['777'], addresses=['l3@recipient.example']) == ['clear', 'suppressed']
    forged = ('0' if mac[0] != '0' else '1') + mac[1:]
    assert mail.deliver(service.smtp_port, at('ref-777-' + forged), b'x')[0] == 550


def test_an_account_that_observes():
    service.cli('account', 'set', 'demo', 'mode=observe')
    numbers = itertools.count(60)

    def effect():
        ref = str(next(numbers))
        address = 'o%s@recipient.example' % ref
        bounce(service.token(ref=ref, address=address), address, 'o' + ref)
        event, = service.http.all('/v1/events', ref=ref)
        expected = ['suppressed'] * 2 if event['effect'] == 'suppress' else ['clear'] * 2
        assert results(addresses=[address], refs=[ref]) == expected, event
        return event['effect']
    # both processes: enough in a row, however the kernel shares connections out
    harness.wait_for(lambda: all(effect() == 'would_suppress' for _ in range(8)), 'the account observes')
    record, = [r for r in records('account', 'list') if r['name'] == 'demo']
    assert record['mode'] == 'observe', record
    service.cli('account', 'set', 'demo', 'mode=enforce')
    harness.wait_for(lambda: effect() == 'suppress', 'it no longer does')


def test_stops_cleanly():
    service.stop()


tap.main(globals())
