#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reload (SIGHUP) and upgrade (SIGUSR2) under load: no connection is refused or lost, no message is lost
or stored twice; what is bad changes nothing. SIGTERM and crashes under load: what was answered is stored."""
import os
import shutil
import signal
import threading

import harness
import mail
import tap
from load import Load

cluster = harness.Cluster()
FOLDER = harness.temporary_folder()
os.chmod(FOLDER, 0o755)
PROGRAM = os.path.join(FOLDER, 'bounced')
RULES = os.path.join(FOLDER, 'rules')
RULE = 'rule ours/gone\n\treason %s\n\ttext no such user here\n\texample 550 no such user here\n'


def install():
    """A new program in the place of the old one, as packages do it."""
    shutil.copy2(harness.BOUNCED, PROGRAM + '.new')
    os.rename(PROGRAM + '.new', PROGRAM)


def write_rules(text):
    with open(os.path.join(RULES, '10-ours.rules'), 'w') as file:
        file.write(text)


os.mkdir(RULES)
install()
PATH = os.path.join(FOLDER, 'lmtp')
CERTIFICATE, KEY = harness.certificate(FOLDER)
os.chmod(KEY, 0o644)
SUBMISSIONS, = harness.free_ports(1)
service = harness.Service(cluster, program=PROGRAM, user='nobody', parser__rules_dir=RULES,
                          tls__certificates=CERTIFICATE, tls__keys=KEY, submissions__port=SUBMISSIONS,
                          lmtp_unix__path=PATH).start()


class Knocker(threading.Thread):
    """Connects to a listener again and again, and counts who does not get an answer."""

    def __init__(self, to, say, expected, tls=None):
        super().__init__(daemon=True)
        self.to, self.say, self.expected, self.tls = to, say, expected, tls
        self.count, self.failures = 0, []
        self.stopping = threading.Event()
        self.start()

    def run(self):
        while not self.stopping.is_set():
            try:
                with mail.connect(self.to, 30) as connection:
                    if self.tls:
                        connection = self.tls.wrap_socket(connection)
                    connection.sendall(self.say)
                    answer = connection.recv(100)
                    connection.close()
                assert answer.startswith(self.expected), answer
                self.count += 1
            except (OSError, AssertionError) as error:
                self.failures.append(repr(error))

    def finish(self):
        self.stopping.set()
        self.join(60)
        assert self.count > 0 and not self.failures, (self.count, self.failures[:5])


class Traffic:
    """Mail that is delivered, and clients that only connect."""

    def __enter__(self):
        self.load = Load(service)
        self.knockers = [
            Knocker(service.smtp_port, b'', b'220 '),
            Knocker(PATH, b'', b'220 '),
            Knocker(SUBMISSIONS, b'', b'220 ', mail.any_tls()),
            Knocker(service.http_port, b'GET /healthz HTTP/1.1\r\nHost: x.example\r\n\r\n', b'HTTP/1.1 200 ')]
        return self

    def __exit__(self, failed, *_):
        for knocker in self.knockers:
            knocker.finish()
        if not failed:
            assert self.load.stored() > 0


def tell(number, event, count=1):
    """Sends a signal and waits until the supervisor has said `event` `count` times more."""
    before = len(service.events(event))
    service.process.send_signal(number)
    return harness.wait_for(lambda: service.events(event)[before:][count - 1:], event, 60, service.log)[0]


def settle():
    """The processes of before have ended."""
    harness.wait_for(lambda: len(harness.children_of(service.process.pid)) == 4, 'the old ones end', 60,
                     service.log)


def forget():
    """Each test counts its own mail."""
    with service.connect() as database, database.cursor() as cursor:
        cursor.execute('TRUNCATE ingest_key, event_key, report_raw, event, report, rollup_hour')


def reason(number):
    """Of a new report, by the rules of now."""
    token = service.token(ref=str(number))
    reply = mail.deliver(service.smtp_port, token,
                         mail.dsn(token, 'a@recipient.example', number='reason-%d' % number))
    event, = service.http.get('/v1/reports/' + mail.report_id(reply))['recipients']
    return event['reason'], event['rule']


def test_reload_under_load():
    forget()
    with Traffic() as traffic:
        for _ in range(3):
            traffic.load.wait_for_progress()
            tell(signal.SIGHUP, 'reloaded')
        traffic.load.wait_for_progress()
    settle()
    assert service.ready() and not service.events('process_ended')


def test_a_session_outlives_a_reload():
    token = service.token(ref='77')
    before = harness.children_of(service.process.pid)
    with mail.Smtp(service.smtp_port) as smtp:
        assert smtp.envelope([token])[-1][0] == 354
        tell(signal.SIGHUP, 'reloaded')
        harness.wait_for(lambda: len(set(before) & set(harness.children_of(service.process.pid))) == 1,
                         'only the process with the session remains', log=service.log)
        smtp.send(mail.dsn(token, 'late@recipient.example', number='late') + b'.\r\n')
        mail.report_id(smtp.reply())
        mail.report_id(smtp.deliver(token, mail.dsn(token, 'later@recipient.example', number='later')))
        assert smtp.command('QUIT')[0] == 221
    settle()


def test_rules_are_reloaded():
    assert reason(1)[0] == 'userunknown'
    write_rules(RULE % 'suspend')
    assert reason(2)[0] == 'userunknown'
    tell(signal.SIGHUP, 'reloaded')
    settle()
    assert reason(3) == ('suspend', 'ours/gone')
    parsed = service.http.ok('POST', '/v1/parse', mail.dsn('x@bounce.example', 'a@recipient.example'),
                             content_type='message/rfc822')
    assert parsed['recipients'][0]['rule'] == 'ours/gone', parsed

    # A broken file is refused with its line; the old rules stay, in processes started later as well.
    write_rules(RULE % 'nonsense')
    assert '10-ours.rules:2: ' in tell(signal.SIGHUP, 'reload_refused')['error']
    os.kill(service.processes('parser')[0], signal.SIGKILL)
    os.kill(service.processes('ingest')[0], signal.SIGKILL)
    harness.wait_for(lambda: len(service.processes('ingest')) == 2 and service.ready(), 'it is back')
    assert reason(4) == ('suspend', 'ours/gone')
    write_rules('')
    tell(signal.SIGHUP, 'reloaded')
    settle()
    assert reason(5)[0] == 'userunknown'


def test_configuration_is_reloaded():
    with open(service.configuration) as file:
        text = file.read()
    service.cli('domain', 'add', 'strict.example', '--account', 'demo', '--reject-invalid', '550')
    try:
        with open(service.configuration, 'w') as file:
            file.write(text + 'smtp.role_names = postmaster oddname\nsmtp.size = 70000\n')
        with mail.Smtp(service.smtp_port) as smtp:
            assert smtp.envelope(['oddname@strict.example'])[1][0] == 550
        tell(signal.SIGHUP, 'reloaded')
        settle()
        with mail.Smtp(service.smtp_port) as smtp:
            assert 'SIZE 70000' in smtp.extensions
            assert smtp.envelope(['oddname@strict.example'])[1][0] == 250
        with open(service.configuration, 'a') as file:
            file.write('ingest.parsers = 1\nlmtp.address = 127.0.0.3\nlmtp.port = 1587\n')
        for _ in range(2):  # as long as it is so
            before = len(service.events('restart_needed'))
            tell(signal.SIGHUP, 'reloaded')
            settle()
            needed, = service.events('restart_needed')[before:]
            assert needed['keys'] == 'lmtp.address lmtp.port', needed
        with open(service.configuration, 'w') as file:
            file.write(text + 'smtp.role_names = postmaster oddname\nsmtp.size = 70000\nsmtp.sise = 1\n')
        refused = tell(signal.SIGHUP, 'reload_refused')
        assert refused['error'].endswith(':%d: unknown key smtp.sise' % (text.count('\n') + 3)), refused
        with mail.Smtp(service.smtp_port) as smtp:
            assert 'SIZE 70000' in smtp.extensions
    finally:
        with open(service.configuration, 'w') as file:
            file.write(text)
        before = len(service.events('restart_needed'))
        tell(signal.SIGHUP, 'reloaded')
        settle()
        assert len(service.events('restart_needed')) == before


def test_upgrade_under_load():
    forget()
    pid = service.process.pid
    with Traffic() as traffic:
        for _ in range(3):
            traffic.load.wait_for_progress()
            install()
            tell(signal.SIGUSR2, 'upgraded')
            assert os.readlink('/proc/%d/exe' % pid) == PROGRAM
        traffic.load.wait_for_progress()
        tell(signal.SIGHUP, 'reloaded')
        traffic.load.wait_for_progress()
    settle()
    assert service.ready()
    # The new one reads tokens and seals as the old one did.
    assert reason(11)[0] == 'userunknown'
    # Nothing was left open on the way.
    listening = [os.readlink(link) for link in descriptors(pid)]
    assert len(listening) == len(set(listening)), listening


def descriptors(pid):
    folder = '/proc/%d/fd' % pid
    return [os.path.join(folder, name) for name in os.listdir(folder) if int(name) > 2]


def test_a_program_that_would_not_start_is_refused():
    ours = harness.children_of(service.process.pid)
    for broken in (b'#!/bin/sh\nexit 1\n', b'not a program'):
        with open(PROGRAM + '.new', 'wb') as file:
            file.write(broken)
        os.chmod(PROGRAM + '.new', 0o755)
        os.rename(PROGRAM + '.new', PROGRAM)
        tell(signal.SIGUSR2, 'upgrade_refused')
        assert service.ready() and harness.children_of(service.process.pid) == ours
    install()
    # Nor is a configuration that is bad meanwhile.
    write_rules('rule\n')
    tell(signal.SIGUSR2, 'upgrade_refused')
    write_rules('')
    assert harness.children_of(service.process.pid) == ours
    tell(signal.SIGUSR2, 'upgraded')
    settle()


def test_crashes_under_load():
    forget()
    load = Load(service)
    ended = len(service.events('process_ended'))
    for number in range(4):
        load.wait_for_progress()
        os.kill(harness.wait_for(lambda: service.processes('ingest'), 'ingest runs')[-1], signal.SIGKILL)
        harness.wait_for(lambda: len(service.events('process_ended')) > ended + number, 'it is noticed')
    load.wait_for_progress()
    load.finish()
    load.check()
    waits = [event['restart_in_ms'] for event in service.events('process_ended')[ended:]]
    assert max(waits) >= 100 and max(waits) <= 10000, waits
    assert max(event['restarts'] for event in service.events('process_started')) >= 2


def test_termination_under_load():
    forget()
    load = Load(service)
    load.wait_for_progress()
    service.process.send_signal(signal.SIGTERM)
    assert service.process.wait(35) == 0, harness.tail(service.log)
    load.finish()
    load.check()
    service.check_log()


tap.main(globals())
