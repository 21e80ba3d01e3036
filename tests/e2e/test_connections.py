#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Many connections that say nothing: what each costs, and that mail goes on meanwhile. On the program as
it is shipped, since sanitizers have a memory of their own. BOUNCED_SOAK=1: ten times as many."""
import os
import resource
import time

import harness
import mail
import tap

TIMES = 10 if os.environ.get('BOUNCED_SOAK') else 1
PLAIN, TLS = 1000 * TIMES, 200 * TIMES
PLAIN_MAX, TLS_MAX = 8 * 1024, 40 * 1024

_, most = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))

certificate, key = harness.certificate(harness.temporary_folder())
service = harness.Service(harness.Cluster(), program=os.path.join(harness.ROOT, 'build/bounced'),
                          tls__certificates=certificate, tls__keys=key,
                          # Nearly full, the service would cut idle clients off after 15 s.
                          smtp__max_connections=2 * (PLAIN + TLS),
                          smtp__command_timeout_ms=3600000).start()
held = []


def memory():
    """Bytes of the ingest processes that are their own."""
    total = 0
    for pid in service.processes('ingest'):
        with open('/proc/%d/smaps_rollup' % pid) as file:
            total += sum(int(line.split()[1]) * 1024 for line in file if line.startswith('Private_'))
    return total


def deliver(ref):
    token = service.token(ref=ref)
    return mail.report_id(mail.deliver(service.smtp_port, token, mail.dsn(token, 'a%s@b.example' % ref)))


def cost(count, limit, connect):
    before = memory()
    sessions = [connect() for _ in range(count)]
    each = (memory() - before) / count
    print('# %d connections, %d bytes each' % (count, each))
    assert each <= limit, each
    deliver(str(count))
    held.extend(sessions)  # closed ones would leave their memory to the next


def latency(name):
    """The 99th percentile of 300 messages' time from the end of data to the reply, in ms."""
    token, times = service.token(ref='7'), []
    for session in range(6):
        with mail.Smtp(service.smtp_port) as smtp:
            for number in range(50):
                message = mail.dsn(token, 'p99@b.example', number='%s-%d-%d' % (name, session, number))
                smtp.envelope([token])
                smtp.send(message)
                began = time.monotonic()
                assert smtp.command('.')[0] == 250
                times.append((time.monotonic() - began) * 1000)
    return sorted(times)[len(times) * 99 // 100]


def test_idle_connections_in_clear():
    if most < PLAIN + 1000:
        raise tap.Skip('no more than %d descriptors' % most)
    cost(PLAIN, PLAIN_MAX, lambda: mail.Smtp(service.smtp_port))


def test_idle_connections_over_tls():
    context = mail.any_tls()
    if most < PLAIN + TLS + 1000:
        raise tap.Skip('no more than %d descriptors' % most)
    cost(TLS, TLS_MAX, lambda: mail.Smtp(service.smtp_port).starttls(context))


def test_mail_goes_on_as_fast():
    loaded = latency('loaded')
    print('# p99 %.1f ms beside %d idle connections, %.1f ms alone' % (loaded, len(held), unloaded))
    # A few ms of leave: other work shares the machine's cores.
    assert loaded <= 2 * unloaded + 20, (loaded, unloaded)


def test_stops_cleanly():
    service.stop()


unloaded = latency('unloaded')
tap.main(globals())
