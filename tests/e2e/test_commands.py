#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The commands of administration: what they print, their exit codes, and that bad input is refused
with a sentence."""
import json
import os
import subprocess

import harness
import tap

cluster = harness.Cluster()
service = harness.Service(cluster)


def run(*arguments, **environment):
    done = subprocess.run([service.program] + list(arguments), stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=60,
                          env={**os.environ, 'BOUNCED_CONFIG': service.configuration, **environment})
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def lines(*arguments):
    code, out, err = run(*arguments)
    assert code == 0 and err == '', (arguments, code, err)
    return out.splitlines()


def objects(*arguments):
    return [json.loads(line) for line in lines(*arguments, '--json')]


def refused(expected, *arguments, code=1, **environment):
    got, out, err = run(*arguments, **environment)
    assert got == code and expected in err and out == '', (arguments, got, out, err)
    assert 'AddressSanitizer' not in err, err


def test_help_and_version():
    assert lines('--version')[0].startswith('bounced ')
    listed = [line.split()[0] for line in lines('help')[2:-2]]
    assert 'serve' in listed and 'parser-child' not in listed, listed
    for command in listed:
        assert lines(command, '--help')[0].startswith('usage: bounced ' + command), command


def test_wrong_usage_is_2():
    refused('usage: bounced COMMAND', code=2)
    refused('unknown command "bounced nonesuch"', 'nonesuch', code=2)
    refused('unknown command "bounced account nonesuch"', 'account', 'nonesuch', code=2)
    refused('unknown option --nonesuch', 'account', 'list', '--nonesuch', code=2)
    refused('an argument is missing', 'account', 'create', code=2)
    refused('--account is missing', 'token', 'mint', code=2)
    refused('either --account or --shared', 'domain', 'add', 'x.example', code=2)
    refused('--scopes is a list', 'key', 'create', '-a', 'demo', '--scopes', 'read,all', code=2)
    refused('--role is ingest, api or jobs', 'serve', '--role', 'parser', code=2)


def test_configuration():
    code, out, err = run('check-config')
    assert code == 0, err
    assert 'smtp.port = %d\n' % service.smtp_port in out
    path = os.path.join(service.folder, 'again.conf')
    with open(path, 'w') as file:
        file.write(out)
    assert run('-c', path, 'check-config') == (0, out, '')
    assert run('check-config', '--config', path) == (0, out, '')
    with open(path, 'a') as file:
        file.write('smtp.prot = 25\n')
    refused('again.conf:%d: unknown key smtp.prot' % (out.count('\n') + 1), '-c', path, 'check-config')
    refused('/nonexistent.conf', '-c', '/nonexistent.conf', 'check-config')
    refused('BOUNCED_SMTP_PORT', 'check-config', BOUNCED_SMTP_PORT='many')
    refused('everybody may read it', 'check-config', BOUNCED_MASTER_KEY_FILE='/etc/passwd')


def test_accounts():
    observer, = objects('account', 'create', '--observe', 'observer')
    assert observer['mode'] == 'observe' and observer['id'] > 0
    assert [account['name'] for account in objects('account', 'list')] == ['operator', 'demo', 'observer']
    assert lines('account', 'list')[1].split('\t')[1:4] == ['demo', 'enforce', 'no']
    refused('demo', 'account', 'create', 'demo')


def test_domains():
    assert lines('domain', 'add', '--shared', '--reject-invalid', '550', 'Bücher.example') == []
    found = {domain['name']: domain for domain in objects('domain', 'list')}
    assert found['xn--bcher-kva.example']['account'] == 0
    assert found['xn--bcher-kva.example']['reject_invalid'] == '550'
    refused('nobody', 'domain', 'add', '-a', 'nobody', 'x.example')
    refused('no domain name', 'domain', 'add', '--shared', 'x..example')


def test_api_keys():
    key, = lines('key', 'create', '-a', 'demo', '--name', 'short', '--expires', '2020-01-01T00:00:00Z')
    key_id = key.split('_')[1]
    listed = {entry['id']: entry for entry in objects('key', 'list')}
    assert listed[key_id]['scopes'] == 'read' and listed[key_id]['revoked_at'] is None
    assert key.split('_')[2] not in json.dumps(listed)
    assert lines('key', 'revoke', key_id) == []
    assert {e['id']: e for e in objects('key', 'list')}[key_id]['revoked_at'] is not None
    refused('nonesuch', 'key', 'revoke', 'nonesuch')


def test_tokens():
    minted, = objects('token', 'mint', '-a', 'demo', '--ref', '77', '--campaign', '3',
                      '--address', 'Someone@Recipient.example')
    assert minted['return_path'] == minted['token'] + '@' + harness.DOMAIN
    for wrapped in (minted['token'].upper(), minted['return_path'],
                    'SRS0=ab12=XY=%s=%s@forward.example' % (harness.DOMAIN, minted['token'])):
        decoded = json.loads(lines('token', 'decode', wrapped)[0])
        assert decoded['verdict'] == 'valid', decoded
        assert (decoded['ref'], decoded['campaign'], decoded['commitment']) == ('77', 3, True), decoded
    # The last five bits end in slack, which must be zero; the first character of the MAC is not.
    wrong = minted['token'][:-8] + ('a' if minted['token'][-8] != 'a' else 'b') + minted['token'][-7:]
    code, out, _ = run('token', 'decode', wrong, 'nonsense')
    assert code == 1
    assert [json.loads(line)['verdict'] for line in out.splitlines()] == ['bad_mac', 'malformed']
    lines('account', 'create', 'keyless')
    refused('no current token key', 'token', 'mint', '-a', 'keyless', '--domain', 'xn--bcher-kva.example')
    refused('no such bounce domain', 'token', 'mint', '-a', 'demo', '--domain', 'x.example')


def test_a_second_token_key_waits_its_turn():
    assert objects('token-key', 'create', '-a', 'demo')[0]['state'] == 'next'
    assert [key['state'] for key in objects('token-key', 'list', '-a', 'demo')] == ['current', 'next']


def test_without_database():
    for command in (('account', 'list'), ('migrate',), ('token', 'mint', '-a', 'demo'), ('demo',)):
        refused('bounced: ', *command, BOUNCED_DATABASE_DSN='host=/nonexistent dbname=x')


def test_a_full_disk_is_not_success():
    with open('/dev/full', 'w') as full:
        done = subprocess.run([service.program, '-c', service.configuration, 'check-config'],
                              stdout=full, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 1 and b'standard output' in done.stderr, done


def test_demo():
    service.start()
    out = lines('demo')
    replies = [line for line in out if ' 250 2.0.0 ' in line]
    assert len(replies) == 5, out
    events = service.http.all('/v1/events')
    assert sorted(event['kind'] for event in events) == ['autoreply', 'bounce', 'bounce', 'bounce',
                                                         'complaint'], events
    assert all(event['trust'] == 'verified' for event in events), events
    entries = service.http.all('/v1/suppressions')
    assert sorted((entry['address'], entry['ref']) for entry in entries if entry['address']) == [
        ('gone@customer.example', '1001')], entries
    assert [entry['ref'] for entry in entries if not entry['address']] == ['1004'], entries
    service.stop()


tap.main(globals())
