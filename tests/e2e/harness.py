# SPDX-License-Identifier: Apache-2.0
"""What end-to-end tests stand on: a throw-away PostgreSQL cluster, the service on free ports, and an
HTTP client.

Nothing here sleeps for a fixed time: wait_for() polls a condition until a deadline. Every process that
is started here is stopped by its id, and dies with the test by itself if the test is killed.
"""
import atexit
import contextlib
import ctypes
import http.client
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.parse

import psycopg2

import mail

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BOUNCED = os.path.abspath(os.environ.get('BOUNCED', os.path.join(ROOT, 'build/check/bounced')))
sys.path.insert(1, os.path.join(ROOT, 'tests'))  # for tap.py
DOMAIN = 'bounce.example'
PR_SET_PDEATHSIG = 1


# -- time and processes --

def wait_for(condition, what, seconds=15, log=None):
    """Polls until condition() is true and returns what it returned. log: a file whose end tells why not."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError('%s: not within %s s\n%s' % (what, seconds, tail(log) if log else ''))
        time.sleep(0.01)


def free_ports(count):
    sockets = [socket.create_server(('127.0.0.1', 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


def temporary_folder(owner=None):
    """A short path (sockets allow 107 bytes), removed at exit."""
    path = tempfile.mkdtemp(prefix='bd-', dir='/tmp')
    os.chmod(path, 0o755)
    if owner:
        shutil.chown(path, owner)
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def start_process(command, log, user=None, death_signal=signal.SIGKILL, **options):
    """A process in a session of its own; both its outputs go to the file `log`."""
    def die_with_parent():
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, death_signal)
    if user:
        options.update(user=user, group=pwd.getpwnam(user).pw_gid, extra_groups=[])
    with open(log, 'ab') as out:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                start_new_session=True, preexec_fn=die_with_parent, **options)


def children_of(pid):
    """Process ids of the living children, oldest first."""
    try:
        with open('/proc/%d/task/%d/children' % (pid, pid)) as file:
            return [int(child) for child in file.read().split()]
    except FileNotFoundError:
        return []


def role_of(pid):
    """The name that a process of the service has given itself; empty once it is gone."""
    try:
        with open('/proc/%d/comm' % pid) as file:
            return file.read().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ''


def command_line(pid):
    try:
        with open('/proc/%d/cmdline' % pid, 'rb') as file:
            return file.read().decode('utf-8', 'replace').split('\0')[:-1]
    except (FileNotFoundError, ProcessLookupError):
        return []


def resident(pid):
    """Bytes of memory that a process has."""
    with open('/proc/%d/statm' % pid) as file:
        return int(file.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')


def certificate(folder, name='mx', *hosts):
    """A self-signed certificate with its key for the hosts; returns the two files."""
    files = os.path.join(folder, name + '.crt'), os.path.join(folder, name + '.key')
    hosts = hosts or ('mx.bounce.example',)
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
                    '-days', '2', '-subj', '/CN=' + hosts[0], '-out', files[0], '-keyout', files[1],
                    '-addext', 'subjectAltName=' + ','.join('DNS:' + host for host in hosts)],
                   check=True, capture_output=True, stdin=subprocess.DEVNULL)
    return files


def sandboxed(pid):
    """A system call filter is in force."""
    try:
        with open('/proc/%d/status' % pid) as file:
            return 'Seccomp:\t2\n' in file.read()
    except (FileNotFoundError, ProcessLookupError):
        return False


# -- PostgreSQL --

class Cluster:
    """A PostgreSQL cluster of its own: unix socket in its folder, no port, data on disk with fsync.

    data, wal: folders that do not exist yet, where those shall not lie in its folder; such a WAL consists of
    small files."""

    def __init__(self, settings=(), data=None, wal=None):
        # PostgreSQL refuses to run as root.
        self.user = 'postgres' if os.geteuid() == 0 else None
        self.role = self.user or pwd.getpwuid(os.geteuid()).pw_name
        self.folder = temporary_folder(self.user)
        self.data = data or os.path.join(self.folder, 'data')
        self.log = os.path.join(self.folder, 'postgres.log')
        self.process = None
        self.bin = subprocess.run(['pg_config', '--bindir'], capture_output=True, text=True,
                                  check=True).stdout.strip()
        initdb = start_process([self.program('initdb'), '-D', self.data, '-U', self.role, '-A', 'trust',
                                '-E', 'UTF8', '--locale=C', '--no-sync'] +
                               (['--waldir', wal, '--wal-segsize=1'] if wal else []), self.log,
                               user=self.user)
        if initdb.wait() != 0:
            raise AssertionError('initdb failed: ' + tail(self.log))
        with open(os.path.join(self.data, 'postgresql.conf'), 'a') as conf:
            for line in ("listen_addresses = ''", "unix_socket_directories = '%s'" % self.folder,
                         'max_connections = 100', 'shared_buffers = 64MB') + tuple(settings):
                conf.write(line + '\n')
        atexit.register(self.kill)
        self.start()

    def program(self, name):
        return os.path.join(self.bin, name)

    def dsn(self, database='postgres', role=None):
        return 'host=%s user=%s dbname=%s' % (self.folder, role or self.role, database)

    def start(self):
        """After kill() the old backends may hold the shared memory for a moment: tries again."""
        def running():
            if self.process is None or self.process.poll() is not None:
                self.process = start_process([self.program('postgres'), '-D', self.data], self.log,
                                             user=self.user, death_signal=signal.SIGQUIT)
            try:
                psycopg2.connect(self.dsn()).close()
                return True
            except psycopg2.OperationalError:
                return False
        wait_for(running, 'PostgreSQL accepts connections', 60, self.log)

    def stop(self, how=signal.SIGINT):
        """SIGINT: fast; SIGQUIT: immediate; SIGKILL: as if the power had failed for the postmaster."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(60)

    def kill(self):
        self.stop(signal.SIGQUIT)

    def kill_backend(self, database):
        """kill -9 of one client's backend: PostgreSQL ends all of them and recovers."""
        with self.connect() as connection:
            pids = column(connection, 'SELECT pid FROM pg_stat_activity WHERE datname = %s', database)
        if pids:
            os.kill(pids[0], signal.SIGKILL)

    def connect(self, database='postgres'):
        """For `with`: an autocommitting connection, closed at the end."""
        connection = psycopg2.connect(self.dsn(database))
        connection.autocommit = True
        return contextlib.closing(connection)

    def create_database(self, name):
        with self.connect() as connection, connection.cursor() as cursor:
            cursor.execute('CREATE DATABASE "%s"' % name)


def rows(connection, sql, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchall()


def execute(connection, sql, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def column(connection, sql, *values):
    return [row[0] for row in rows(connection, sql, *values)]


def single(connection, sql, *values):
    return column(connection, sql, *values)[0]


# -- HTTP --

class Http:
    """Requests with a bearer key; a connection each, so that a restarted service does not matter."""

    def __init__(self, port, key=None):
        self.port = port
        self.key = key

    def request(self, method, path, body=None, content_type='application/json', headers=(), timeout=30):
        """Returns (status, headers, body); JSON bodies are parsed, others are bytes."""
        fields = dict(headers)
        if self.key:
            fields['Authorization'] = 'Bearer ' + self.key
        if body is not None:
            fields['Content-Type'] = content_type
            if not isinstance(body, bytes):
                body = json.dumps(body).encode()
        connection = http.client.HTTPConnection('127.0.0.1', self.port, timeout=timeout)
        try:
            connection.request(method, path, body, fields)
            answer = connection.getresponse()
            data = answer.read()
        finally:
            connection.close()
        if 'json' in answer.headers.get('Content-Type', ''):
            data = json.loads(data)
        return answer.status, answer.headers, data

    def ok(self, method, path, body=None, **options):
        """The body of an answer that must be 2xx."""
        status, _, data = self.request(method, path, body, **options)
        if status // 100 != 2:
            raise AssertionError('%s %s: %d %r' % (method, path, status, data))
        return data

    def status(self, method, path, body=None, **options):
        return self.request(method, path, body, **options)[0]

    def get(self, path, **query):
        query = {name.rstrip('_'): value for name, value in query.items()}
        return self.ok('GET', path + ('?' + urllib.parse.urlencode(query) if query else ''))

    def all(self, path, **query):
        """The results of every page."""
        page = self.get(path, **query)
        results = page['results']
        while page['links'].get('next'):
            page = self.get(page['links']['next'])
            results += page['results']
        return results


# -- the service --

class Service:
    """`bounced serve` on free ports with a fresh database, account `demo`, its domain and its keys."""

    def __init__(self, cluster, name='bounced', program=BOUNCED, **settings):
        self.cluster = cluster
        self.database = name
        self.program = program
        self.process = None
        self.environment = {}  # more of it for `serve`
        self.folder = temporary_folder()
        self.log = os.path.join(self.folder, 'log')
        self.smtp_port, self.http_port = free_ports(2)
        self.configuration = os.path.join(self.folder, 'bounced.conf')
        self.write_configuration(settings)
        cluster.create_database(name)
        self.prepare()
        atexit.register(self.kill)

    def write_configuration(self, settings):
        key_file = os.path.join(self.folder, 'master.key')
        with open(key_file, 'w') as file:
            file.write(os.urandom(32).hex() + '\n')
        os.chmod(key_file, 0o600)
        values = {
            'smtp.address': '127.0.0.1', 'smtp.port': self.smtp_port, 'smtp.hostname': 'mx.bounce.example',
            'http.address': '127.0.0.1', 'http.port': self.http_port,
            'database.dsn': self.cluster.dsn(self.database),
            'database.ingest_dsn': self.cluster.dsn(self.database, 'bounced_ingest'),
            'database.api_dsn': self.cluster.dsn(self.database, 'bounced_api'),
            'database.jobs_dsn': self.cluster.dsn(self.database, 'bounced_jobs'),
            'ingest.processes': 2,
            # no test asks anybody outside: nobody answers there
            'dns.server': '127.0.0.1@9',
            'master_key.file': key_file,
        }
        values.update({name.replace('__', '.'): value for name, value in settings.items()})
        with open(self.configuration, 'w') as file:
            for name, value in values.items():
                file.write('%s = %s\n' % (name, str(value).lower() if isinstance(value, bool) else value))

    def cli(self, *arguments, input=None):
        """Runs a command of the program to its end and returns what it printed."""
        done = subprocess.run([self.program, '-c', self.configuration] + list(arguments), input=input,
                              stdin=None if input is not None else subprocess.DEVNULL,
                              capture_output=True, timeout=120)
        if done.returncode != 0:
            raise AssertionError('bounced %s: %d %s' % (' '.join(arguments), done.returncode,
                                                       done.stderr.decode('utf-8', 'replace')))
        return done.stdout.decode()

    def prepare(self):
        self.cli('migrate')
        self.cli('account', 'create', 'demo')
        self.cli('domain', 'add', DOMAIN, '--account', 'demo')
        self.cli('token-key', 'create', '--account', 'demo')
        self.key = self.cli('key', 'create', '--account', 'demo', '--scopes',
                            'read,write,ingest,admin').split()[-1]
        self.http = Http(self.http_port, self.key)

    def start(self):
        self.process = start_process([self.program, '-c', self.configuration, 'serve'], self.log,
                                     death_signal=signal.SIGTERM, env={**os.environ, **self.environment})
        wait_for(self.ready, 'the service is ready', 60, self.log)
        return self

    def ready(self):
        if self.process.poll() is not None:
            raise AssertionError('bounced serve ended with %d: %s' % (self.process.returncode,
                                                                     tail(self.log)))
        try:
            return self.takes_mail() and self.http.status('GET', '/readyz') == 200
        except OSError:
            return False

    def takes_mail(self):
        """It greets, and would begin a transaction."""
        try:
            with mail.Smtp(self.smtp_port, 5) as smtp:
                return smtp.command('MAIL FROM:<>')[0] == 250
        except (OSError, EOFError):
            return False

    def processes(self, role):
        """Ids of the running processes of a role (ingest, api, jobs), or of the parser children of ingest."""
        if role == 'parser':
            return [child for pid in self.processes('ingest') for child in children_of(pid)
                    if 'parser-child' in command_line(child)]
        return [pid for pid in children_of(self.process.pid) if role_of(pid) == role]

    def refused(self):
        """Whom it turned away, counted by cause: the last line that it wrote when asked."""
        def lines():
            with open(self.log, errors='replace') as file:
                return [json.loads(line) for line in file if '"event":"refused"' in line]
        before = len(lines())
        self.process.send_signal(signal.SIGUSR1)
        wait_for(lambda: len(lines()) > before, 'refusals are logged', log=self.log)
        return lines()[-1]

    def stop(self):
        """SIGTERM must end it cleanly within 30 s."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(35)
        assert status == 0, 'bounced serve ended with %d: %s' % (status, tail(self.log))
        self.check_log()

    def kill(self):
        """kill -9 of every process of the service at once."""
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(30)

    def check_log(self):
        with open(self.log, errors='replace') as file:
            text = file.read()
        for mark in ('AddressSanitizer', 'LeakSanitizer', 'ThreadSanitizer', 'runtime error:'):
            at = text.find(mark)
            assert at < 0, 'in the log: ' + text[max(0, at - 200):at + 2000]
        self.events()

    def events(self, name=None):
        """What the log tells, of one name or all: a JSON object a line, whose names are all different."""
        def read(pairs):
            fields = dict(pairs)
            assert len(fields) == len(pairs), 'a name twice in the log: %s' % pairs
            return fields
        with open(self.log, errors='replace') as file:
            # A full disk may have cut a line short.
            events = [json.loads(line, object_pairs_hook=read) for line in file
                      if line.startswith('{') and line.endswith('}\n')]
        return [event for event in events if name in (None, event['event'])]

    def connect(self):
        return self.cluster.connect(self.database)

    def token(self, ref=None, address=None, campaign=None):
        """A return path of a new token."""
        return self.tokens([(ref, address, campaign)])[0]

    def tokens(self, wanted):
        """Return paths for a list of (ref, address, campaign)."""
        items = []
        for ref, address, campaign in wanted:
            item = {'ref': ref, 'address': address, 'campaign': campaign}
            items.append({name: value for name, value in item.items() if value is not None})
        made = []
        for at in range(0, len(items), 1000):
            answer = self.http.ok('POST', '/v1/tokens', {'domain': DOMAIN,
                                                         'tokens': items[at:at + 1000]})
            made += [result['return_path'] for result in answer['results']]
        return made


def tail(path, size=4000):
    with open(path, 'rb') as file:
        return file.read()[-size:].decode('utf-8', 'replace')
