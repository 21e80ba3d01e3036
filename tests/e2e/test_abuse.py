#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Clients that are too many, too slow, or guess: they are refused or cut off, cost little, and those
who behave are served meanwhile. Figures are printed; docs/reliability.md says what they were.

BOUNCED_SOAK=1 runs R9 with 2,000 slow clients. Idle ones (R8) are test_connections.py's."""
import contextlib
import json
import os
import resource
import signal
import socket
import threading
import time

import debian
import harness
import mail
import tap

SOAK = bool(os.environ.get('BOUNCED_SOAK'))
SLOW = 2000 if SOAK else 100
CLUSTER = harness.Cluster()
# So that nobody is exempt; none of ours is from there.
NOBODY = '192.0.2.0/24'


def raise_descriptors():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def connect(service, host='127.0.0.1'):
    return socket.create_connection(('127.0.0.1', service.smtp_port), 30, source_address=(host, 0))


def session(service, host='127.0.0.1'):
    return mail.Smtp(connect(service, host), hello=None)


def greeting(service, host='127.0.0.1'):
    """The code that a connection begins with; the connection is closed."""
    with session(service, host) as smtp:
        return smtp.greeting[0]


def cpu_seconds(pids):
    ticks = 0
    for pid in pids:
        with open('/proc/%d/stat' % pid) as file:
            fields = file.read().rsplit(')', 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf('SC_CLK_TCK')


def deliver(service, token, number):
    return mail.deliver(service.smtp_port, token, mail.dsn(token, 'r%s@recipient.example' % number,
                                                           number=number))


# -- limits of a prefix --

def test_connections_of_an_address():
    service = harness.Service(CLUSTER, 'prefix', smtp__trusted_networks=NOBODY, smtp__prefix_rate=0,
                              smtp__prefix_connections=5).start()
    # Whichever process accepts them; what start() opened may not all be closed yet.
    held = [harness.wait_for(lambda: allowed(service), 'a connection is let in') for _ in range(5)]
    assert greeting(service) == 421
    assert greeting(service, '127.0.0.2') == 220, 'another address'
    held.pop().close()
    held.append(harness.wait_for(lambda: allowed(service), 'a free place is given away'))
    assert greeting(service) == 421
    # A process that dies holds nothing.
    for pid in service.processes('ingest'):
        os.kill(pid, signal.SIGKILL)
    again = [harness.wait_for(lambda: allowed(service), 'places of the dead are free') for _ in range(5)]
    assert service.refused()['prefix_connections'] >= 2
    for smtp in held + again:
        smtp.close()
    harness.wait_for(service.ready, 'the service is ready', 60, service.log)
    service.stop()


def allowed(service, host='127.0.0.1'):
    """A session that was greeted, or None."""
    try:
        smtp = session(service, host)
    except (OSError, EOFError):
        return None
    if smtp.greeting[0] == 220:
        return smtp
    smtp.close()
    return None


def test_rate_of_an_address_and_trust():
    service = harness.Service(CLUSTER, 'rate', smtp__trusted_networks='127.0.0.1',
                              smtp__prefix_rate=10).start()
    codes = [greeting(service, '127.0.0.9') for _ in range(20)]
    assert codes[:10] == [220] * 10 and 421 in codes[10:], codes
    assert [greeting(service) for _ in range(30)] == [220] * 30, 'a trusted network has no rate'
    assert greeting(service, '127.0.0.10') == 220
    assert service.refused()['prefix_rate'] == codes.count(421)
    service.stop()


def test_a_proxy_is_not_its_clients():
    service = harness.Service(CLUSTER, 'proxied', smtp__trusted_networks=NOBODY, smtp__prefix_rate=0,
                              smtp__prefix_connections=1, smtp__proxy_networks='127.0.0.2').start()

    def come(client):
        header = 'PROXY TCP4 %s 192.0.2.1 40000 25\r\n' % client
        return mail.Smtp(connect(service, '127.0.0.2'), hello=None, first=header.encode())
    with come('198.51.100.1') as first, come('198.51.100.2') as other, come('198.51.100.1') as second:
        assert (first.greeting[0], other.greeting[0]) == (220, 220)
        assert second.greeting[0] == 421 and second.at_end()
    assert service.refused()['prefix_connections'] == 1
    service.stop()


def logged(service, event):
    with open(service.log, errors='replace') as file:
        return sum('"event":"%s"' % event in line for line in file)


def succeed(service, number, event):
    """Signals it, and waits for the processes that it starts."""
    before = logged(service, event), logged(service, 'accepting')
    service.process.send_signal(number)
    harness.wait_for(lambda: logged(service, event) > before[0] and
                     logged(service, 'accepting') >= before[1] + 2, event, 60, service.log)


def hold(service, host, count):
    sessions = [session(service, host) for _ in range(count)]
    assert [smtp.greeting[0] for smtp in sessions] == [220] * count
    return sessions


def test_limits_outlive_the_processes():
    """Reload and upgrade: who holds connections still has them, by the limits that are set now."""
    service = harness.Service(CLUSTER, 'outlive', smtp__trusted_networks=NOBODY, smtp__prefix_rate=0,
                              smtp__prefix_connections=5).start()
    host = '127.0.0.9'
    held = hold(service, host, 5)
    assert greeting(service, host) == 421
    succeed(service, signal.SIGHUP, 'reloaded')
    assert greeting(service, host) == 421, 'a reload gives nobody new places'
    held.pop().close()
    held.append(harness.wait_for(lambda: allowed(service, host), 'a free place is given away'))
    with open(service.configuration) as file:
        text = file.read()
    with open(service.configuration, 'w') as file:
        file.write(text.replace('smtp.prefix_connections = 5', 'smtp.prefix_connections = 7'))
    succeed(service, signal.SIGHUP, 'reloaded')
    held += hold(service, host, 2)
    assert greeting(service, host) == 421
    old = service.processes('ingest')
    before = service.refused()['prefix_connections']
    assert before >= 3, 'counted since the start'
    succeed(service, signal.SIGUSR2, 'upgraded')
    assert greeting(service, host) == 421, 'nor does an upgrade'
    assert service.refused()['prefix_connections'] == before + 1
    # Whom the old program has left behind, and who dies: it held all of them.
    for pid in old:
        with contextlib.suppress(ProcessLookupError):  # one that held none
            os.kill(pid, signal.SIGKILL)
    held += [harness.wait_for(lambda: allowed(service, host), 'places of the dead are free') for _ in range(7)]
    assert greeting(service, host) == 421
    for smtp in held:
        smtp.close()
    # A table that is too small for so many: the only case of a new one.
    with open(service.configuration, 'a') as file:
        file.write('smtp.max_connections = 60000\n')
    succeed(service, signal.SIGHUP, 'reloaded')
    assert service.refused()['prefix_connections'] == 0
    service.stop()


# -- guessing --

def test_guessing_recipients():
    service = harness.Service(CLUSTER, 'harvest', smtp__error_delay_ms=0, ingest__processes=1)
    service.cli('domain', 'add', 'strict.example', '--account', 'demo', '--reject-invalid', '550')
    service.start()
    with mail.Smtp(service.smtp_port) as smtp:
        assert smtp.command('MAIL FROM:<>')[0] == 250
        codes = [smtp.command('RCPT TO:<b-%s@strict.example>' % os.urandom(20).hex())[0]
                 for _ in range(20)]
        assert codes == [550] * 19 + [421], codes
        assert smtp.at_end()
    assert service.refused()['errors'] == 1
    service.stop()


def test_errors_cost_the_client_time_and_nobody_else():
    service = harness.Service(CLUSTER, 'errors', ingest__processes=1).start()
    token = service.token(ref='1')
    with mail.Smtp(service.smtp_port) as smtp:
        began = time.monotonic()
        for _ in range(3):
            smtp.send(b'FOO\r\n')
        good = time.monotonic()
        assert deliver(service, token, 'meanwhile')[0] == 250
        good = time.monotonic() - good
        assert [smtp.reply()[0] for _ in range(3)] == [500] * 3
        took = time.monotonic() - began
    assert took >= 2 > good, (took, good)
    service.stop()


# -- nearly full --

def errors_take(smtp, count):
    """Seconds until that many wrong commands in a row are answered."""
    began = time.monotonic()
    for _ in range(count):
        assert smtp.command('FOO')[0] == 500
    return time.monotonic() - began


def test_stress():
    """Above 80 % of the places nobody may rest; below again, errors cost time."""
    service = harness.Service(CLUSTER, 'stress', ingest__processes=1, smtp__max_connections=10).start()
    held = [harness.wait_for(lambda: allowed(service), 'a place is free') for _ in range(9)]
    harness.wait_for(lambda: '"event":"nearly_full"' in open(service.log).read(), 'it is nearly full')
    assert errors_take(held[0], 4) < 1
    held.append(harness.wait_for(lambda: allowed(service), 'the last place'))
    assert greeting(service) == 421
    assert service.refused()['connections'] >= 1
    for smtp in held[1:]:
        smtp.close()
    harness.wait_for(lambda: '"event":"no_longer_nearly_full"' in open(service.log).read(), 'it has room again')
    took = errors_take(held[0], 3)
    assert took > 1.5, took
    held[0].close()
    service.stop()


# -- a mint that went wrong --

def hurried_program(times):
    """The shipped program (a sanitizer would have to come before another library) in a world where wall clocks
    run that much faster; deadlines do not."""
    library = debian.find('libfaketime', 'usr/lib/*/faketime/libfaketime.so.1')
    path = os.path.join(harness.temporary_folder(), 'bounced')
    with open(path, 'w') as file:
        file.write('#!/bin/sh\nexport LD_PRELOAD=%s FAKETIME="+0 x%d" DONT_FAKE_MONOTONIC=1\nexec %s "$@"\n' % (
            library, times, os.path.join(harness.ROOT, 'build/bounced')))
    os.chmod(path, 0o755)
    return path


def test_return_paths_that_suddenly_do_not_verify():
    """451 instead of 550 and an alert, where they did verify before and now fail from many networks."""
    times = 30
    service = harness.Service(CLUSTER, 'sudden', program=hurried_program(times), ingest__processes=1,
                              smtp__error_delay_ms=0, smtp__proxy_networks='127.0.0.1')
    service.cli('domain', 'set', harness.DOMAIN, 'reject_invalid=550')
    service.takes_mail = lambda: codes(service, '192.0.2.1', ['postmaster']) == [250]
    service.start()
    tokens = service.tokens([(str(number + 1), None, None) for number in range(30)])
    forged = [token[:-len(harness.DOMAIN) - 5] + 'aaaa@' + harness.DOMAIN for token in tokens]
    assert codes(service, '192.0.2.1', tokens) == [250] * 30
    began = time.monotonic()
    harness.wait_for(lambda: time.monotonic() - began > 6 * 60 / times, 'what was then is the past', 30)
    # One scanner is refused.
    assert [codes(service, '198.51.100.1', forged[at:at + 15]) for at in (0, 15)] == [[550] * 15] * 2
    assert '"return_paths_do_not_verify"' not in open(service.log).read()
    seen = [codes(service, '203.0.%d.1' % network, forged[:5]) for network in range(6)]
    # The scanner's network and three more are four; the next makes it trouble.
    assert seen == [[550] * 5] * 3 + [[451] * 5] * 3, seen
    assert codes(service, '192.0.2.1', tokens[:3]) == [250] * 3, 'what verifies is taken'
    alert, = [json.loads(line) for line in open(service.log) if '"return_paths_do_not_verify"' in line]
    assert alert['domain'] == harness.DOMAIN, alert
    service.stop()


def codes(service, client, recipients):
    """What a client hears to each RCPT, behind a proxy."""
    header = 'PROXY TCP4 %s 192.0.2.200 40000 25\r\n' % client
    with mail.Smtp(service.smtp_port, first=header.encode()) as smtp:
        assert smtp.command('MAIL FROM:<>')[0] == 250
        return [smtp.command('RCPT TO:<%s>' % recipient)[0] for recipient in recipients]


# -- R7: descriptors run out --

def limited_program(descriptors):
    path = os.path.join(harness.temporary_folder(), 'bounced')
    with open(path, 'w') as file:
        file.write('#!/bin/sh\nulimit -n %d\nexec %s "$@"\n' % (descriptors, harness.BOUNCED))
    os.chmod(path, 0o755)
    return path


def flood(service, count):
    """Connections that nobody reads from; those that cannot be made are none."""
    clients = []
    for _ in range(count):
        client = socket.socket()
        client.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            client.connect(('127.0.0.1', service.smtp_port))
        clients.append(client)
    return clients


def check_descriptors_run_out(service):
    token = service.token(ref='1')
    pids = service.processes('ingest')
    early = mail.Smtp(service.smtp_port)
    assert early.command('MAIL FROM:<>')[0] == 250
    clients = flood(service, 500)
    before, began = cpu_seconds(pids), time.monotonic()
    time.sleep(3)  # the time that is measured, no wait for a condition
    share = (cpu_seconds(pids) - before) / (time.monotonic() - began)
    print('# R7: %.1f %% CPU with 500 connections' % (share * 100))
    assert share < 0.05, share
    assert early.command('RCPT TO:<%s>' % token)[0] == 250
    assert early.command('DATA')[0] == 354
    early.send(mail.dsn(token, 'early@recipient.example', number='early') + b'.\r\n')
    assert early.reply()[0] == 250
    early.close()
    for client in clients:
        client.close()
    harness.wait_for(service.takes_mail, 'accepting resumes', 10, service.log)
    assert deliver(service, token, 'late')[0] == 250
    assert service.processes('ingest') == pids, 'a process was started again'
    service.stop()


def test_descriptors_are_few_from_the_start():
    raise_descriptors()
    service = harness.Service(CLUSTER, 'few', program=limited_program(64)).start()
    check_descriptors_run_out(service)
    with open(service.log) as file:
        assert '"event":"nearly_full"' in file.read()


def test_descriptors_run_out_on_accept():
    raise_descriptors()
    service = harness.Service(CLUSTER, 'emfile').start()
    for pid in service.processes('ingest'):
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (64, 64))
    check_descriptors_run_out(service)
    with open(service.log) as file:
        assert '"event":"accept_paused"' in file.read()


# -- R9: slow clients --

DEADLINE = 2
PHASES = {
    # What a client says at once, and what it then says a byte of at a time.
    'silence': (b'', b''),
    'command': (b'', b'EHLO sender.example.of.a.long.name'),
    'data': (b'EHLO s.example\r\n', b'Subject: slow'),
    'handshake': (b'EHLO s.example\r\n', b'\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'),
}


class Slow(threading.Thread):
    """All slow clients of one phase; `cut` has the seconds after which each was cut off."""

    def __init__(self, service, phase, token, count):
        super().__init__(daemon=True)
        self.service, self.phase, self.token, self.count = service, phase, token, count
        self.cut = []
        self.error = None

    def open(self):
        first, _ = PHASES[self.phase]
        smtp = mail.Smtp(self.service.smtp_port, hello='slow.example' if first else None)
        if self.phase == 'data':
            smtp.envelope([self.token])
        elif self.phase == 'handshake':
            assert smtp.command('STARTTLS')[0] == 220
        smtp.socket.setblocking(False)
        return smtp.socket, time.monotonic()

    def run(self):
        try:
            self.dribble([self.open() for _ in range(self.count)])
        except Exception as error:  # for the test to see
            self.error = error

    def dribble(self, clients):
        _, bytewise = PHASES[self.phase]
        for turn in range(200):
            clients = [client for client in clients if not self.is_cut(*client)]
            if not clients:
                return
            for client, _ in clients:
                with contextlib.suppress(OSError):
                    if turn % 5 == 0 and bytewise:
                        client.send(bytewise[turn // 5 % len(bytewise):][:1])
            time.sleep(0.1)  # its slowness, no wait for a condition
        raise AssertionError('%s: %d never cut off' % (self.phase, len(clients)))

    def is_cut(self, client, opened):
        try:
            while client.recv(4096):
                pass
        except BlockingIOError:
            return False
        except OSError:
            pass
        self.cut.append(time.monotonic() - opened)
        client.close()
        return True


def throughput(service, token, name, seconds=5):
    """Messages a second of one sender, every one of them answered 250."""
    count, deadline = 0, time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert deliver(service, token, '%s-%d' % (name, count))[0] == 250
        count += 1
    return count / seconds


def test_slow_clients():
    raise_descriptors()
    certificate, key = harness.certificate(harness.temporary_folder())
    service = harness.Service(CLUSTER, 'slow', tls__certificates=certificate, tls__keys=key,
                              smtp__command_timeout_ms=DEADLINE * 1000,
                              smtp__data_timeout_ms=DEADLINE * 1000).start()
    token = service.token(ref='1')
    alone = throughput(service, token, 'alone')
    slow = [Slow(service, phase, token, SLOW // len(PHASES)) for phase in PHASES]
    for thread in slow:
        thread.start()
    meanwhile = throughput(service, token, 'meanwhile')
    for thread in slow:
        thread.join(60)
        assert not thread.is_alive() and thread.error is None, (thread.phase, thread.error)
        assert len(thread.cut) == SLOW // len(PHASES)
        print('# R9: %s: %d cut off after %.1f to %.1f s' % (thread.phase, len(thread.cut),
                                                            min(thread.cut), max(thread.cut)))
        # After the reply, what still comes is read for a second; and opening many takes time.
        assert max(thread.cut) <= DEADLINE + 3, thread.phase
    print('# R9: a good sender made %.0f messages/s, alone %.0f' % (meanwhile, alone))
    assert service.refused()['timeout'] >= SLOW // len(PHASES) * len(PHASES)
    service.stop()


tap.main(globals())
