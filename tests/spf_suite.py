#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the public test suite of RFC 7208 (YAML) as lines that tests/unit/ingest_spf.c reads.

    scenario TEXT               begins an empty zone
    record NAME TYPE RDATA      in the order of the suite; name and data in hexadecimal
    timeout NAME                types without a record above this line time out
    test ID IP HELO MAILFROM RESULT[,RESULT]    helo and mailfrom in hexadecimal, "-" for nothing

As the suite asks, a name with records of the retired type SPF and none of type TXT has them as TXT.
"""
import ipaddress
import sys

import yaml


def hexed(data):
    return data.hex() or '-'


def text(value):
    """The suite writes bytes above 127 as the characters of Latin-1."""
    return ('' if value is None else str(value)).encode('latin-1')


def rdata(kind, value):
    if kind in ('A', 'AAAA'):
        return ipaddress.ip_address(value).packed
    if kind == 'MX':
        return text(value[1])
    if kind == 'TXT':
        return b''.join(map(text, value)) if isinstance(value, list) else text(value)
    return text(value).removesuffix(b'.')


def lines_of_zone(name, records):
    has_txt = any(isinstance(record, dict) and 'TXT' in record for record in records)
    name = hexed(text(name).lower())
    for record in records:
        if record == 'TIMEOUT':
            yield 'timeout %s' % name
            continue
        (kind, value), = record.items()
        if kind == 'SPF':
            if has_txt:
                continue
            kind = 'TXT'
        if value != 'NONE':
            yield 'record %s %s %s' % (name, kind, hexed(rdata(kind, value)))


def main():
    with open(sys.argv[1], encoding='utf-8') as file:
        for scenario in yaml.safe_load_all(file):
            print('scenario', scenario['description'])
            for name, records in scenario['zonedata'].items():
                print('\n'.join(lines_of_zone(name, records)))
            for name, test in scenario['tests'].items():
                results = test['result'] if isinstance(test['result'], list) else [test['result']]
                print('test', name, test['host'], hexed(text(test['helo'])), hexed(text(test['mailfrom'])),
                      ','.join(results))


main()
