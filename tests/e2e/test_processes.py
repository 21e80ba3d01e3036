#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The supervisor: what dies is started again, what must not start does not, and nothing outlives it."""
import os
import signal
import socket
import subprocess

import harness
import mail
import tap

cluster = harness.Cluster()
service = harness.Service(cluster, user='nobody').start()


ROLES = 'ingest', 'api', 'jobs'


def of_role(*roles):
    return [pid for role in roles for pid in service.processes(role)]


def status_fields(pid):
    with open('/proc/%d/status' % pid) as file:
        return dict(line.rstrip('\n').split(':\t', 1) for line in file if ':\t' in line)


def serve(*arguments, **environment):
    """Runs `serve`, which must end by itself; its exit code and what it said."""
    done = subprocess.run([service.program, '-c', service.configuration, 'serve'] + list(arguments),
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
                          env={**os.environ, **environment})
    return done.returncode, done.stderr.decode()


def test_one_process_a_slot_one_api_and_one_for_jobs():
    assert len(of_role('ingest')) == 2 and len(of_role('api')) == len(of_role('jobs')) == 1
    assert sorted(event['number'] for event in service.events('process_started')
                  if event['of'] == 'ingest') == [0, 1]


def test_privileges_are_gone():
    if os.geteuid() != 0:
        raise tap.Skip('needs root')
    for pid in [service.process.pid] + of_role(*ROLES) + service.processes('parser'):
        fields = status_fields(pid)
        assert '0' not in fields['Uid'].split() + fields['Gid'].split(), fields
        assert fields['NoNewPrivs'] == '1', fields
        assert int(fields['CapPrm'], 16) == 0, fields


def test_each_role_is_started_again():
    for role in ROLES:
        killed = of_role(role)[0]
        count = len(of_role(role))
        os.kill(killed, signal.SIGKILL)
        harness.wait_for(lambda: killed not in of_role(role) and len(of_role(role)) == count,
                         role + ' runs again')
        harness.wait_for(service.ready, 'the service is ready')
        ended = service.events('process_ended')[-1]
        assert (ended['of'], ended['signal']) == (role, signal.SIGKILL), ended
        assert service.events('process_started')[-1]['restarts'] == 1


def test_a_reload_replaces_every_process():
    before = of_role(*ROLES)
    service.process.send_signal(signal.SIGHUP)
    harness.wait_for(lambda: service.events('reloaded'), 'it is reloaded')
    harness.wait_for(lambda: len(of_role(*ROLES)) == 4, 'the old ones end')
    assert service.ready()
    assert not set(before) & set(of_role(*ROLES))


def test_a_second_service_is_refused():
    code, said = serve()
    assert code == 1 and 'Address already in use' in said, (code, said)
    assert service.ready()


def test_a_schema_that_is_not_current_is_refused():
    cluster.create_database('empty')
    dsn = cluster.dsn('empty')
    smtp_port, http_port = harness.free_ports(2)
    code, said = serve(BOUNCED_SMTP_PORT=str(smtp_port), BOUNCED_HTTP_PORT=str(http_port),
                       BOUNCED_DATABASE_INGEST_DSN=dsn, BOUNCED_DATABASE_API_DSN=dsn, BOUNCED_DATABASE_JOBS_DSN=dsn)
    assert code == 1 and 'bounced migrate' in said, (code, said)


def test_the_service_manager_is_told():
    folder = harness.temporary_folder()
    os.chmod(folder, 0o777)
    path = os.path.join(folder, 'notify')
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(path)
    os.chmod(path, 0o777)
    manager.settimeout(30)
    smtp_port, http_port = harness.free_ports(2)
    process = harness.start_process(
        [service.program, '-c', service.configuration, 'serve', '--role', 'ingest'],
        os.path.join(folder, 'log'), env={**os.environ, 'NOTIFY_SOCKET': path,
                                          'BOUNCED_SMTP_PORT': str(smtp_port)})
    assert manager.recv(100) == b'READY=1'
    with mail.Smtp(smtp_port) as smtp:
        assert smtp.command('NOOP')[0] == 250
    # Of this role only: nobody answers HTTP.
    assert socket.socket().connect_ex(('127.0.0.1', http_port)) != 0
    process.send_signal(signal.SIGTERM)
    assert manager.recv(100) == b'STOPPING=1'
    assert process.wait(35) == 0, harness.tail(os.path.join(folder, 'log'))


def test_a_message_under_way_is_finished():
    token = service.token(ref='1', address='a@recipient.example')
    with mail.Smtp(service.smtp_port) as smtp:
        assert [code for code, _ in smtp.envelope([token])] == [250, 250, 354]
        service.process.send_signal(signal.SIGTERM)
        harness.wait_for(lambda: service.events('stopping'), 'it stops')
        smtp.send(mail.dsn(token, 'a@recipient.example') + b'.\r\n')
        code, text = smtp.reply()
        assert code == 250, (code, text)
    assert service.process.wait(35) == 0, harness.tail(service.log)
    service.check_log()
    service.start()
    event, = service.http.all('/v1/events')
    assert event['address'] == 'a@recipient.example', event


def test_nothing_outlives_the_supervisor():
    ours = of_role(*ROLES) + service.processes('parser')
    service.process.kill()
    service.process.wait(30)
    harness.wait_for(lambda: not [pid for pid in ours if harness.command_line(pid)],
                     'every process is gone')
    service.start()
    service.stop()


tap.main(globals())
