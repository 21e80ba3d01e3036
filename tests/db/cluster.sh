#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A throw-away PostgreSQL cluster for tests, in a short folder under /tmp, on a Unix socket only.
#
#	cluster.sh start		prints its DSN (a superuser's; add dbname=… for another database)
#	cluster.sh stop DSN		stops it and removes its folder
#	cluster.sh run PROGRAM…		runs a program with such a DSN as BOUNCED_TEST_DSN
#
# Durable like a real one (fsync on), small, and without password: only its user and root get to the
# socket. As root it runs as the user postgres, since PostgreSQL refuses root.
set -eu

bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)

as_postgres() {
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid=postgres --regid=postgres --clear-groups -- "$@"
	else
		"$@"
	fi
}

start() {
	dir=$(as_postgres mktemp -d /tmp/bounced-pg.XXXXXX)
	as_postgres env LC_ALL=C.UTF-8 "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 \
		--no-sync > "$dir.log" 2>&1 || { cat "$dir.log" >&2; exit 1; }
	cat > "$dir.conf" <<-END
		listen_addresses = ''
		unix_socket_directories = '$dir'
		unix_socket_permissions = 0777
		max_connections = 100
		shared_buffers = 64MB
		log_min_messages = fatal
	END
	as_postgres sh -c "cat >> '$dir/data/postgresql.conf'" < "$dir.conf"
	rm -f "$dir.conf" "$dir.log"
	as_postgres "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 60 start > /dev/null
	echo "host=$dir user=postgres dbname=postgres"
}

stop() {
	dir=$(echo "$1" | sed -n 's/.*host=\(\/tmp\/bounced-pg\.[A-Za-z0-9]*\).*/\1/p')
	[ -n "$dir" ] && [ -d "$dir/data" ] || { echo "cluster.sh: not a cluster of ours: $1" >&2; exit 2; }
	as_postgres "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop > /dev/null || true
	rm -rf "$dir"
}

run() {
	BOUNCED_TEST_DSN=$(start)
	export BOUNCED_TEST_DSN
	trap 'stop "$BOUNCED_TEST_DSN"' EXIT
	trap 'exit 143' TERM INT
	"$@"
}

case "${1:-}" in
start) start ;;
stop) stop "${2:?DSN}" ;;
run) shift; run "$@" ;;
*) sed -n '3,10s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
