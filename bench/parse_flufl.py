#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Reads each file named on standard input with flufl.bounce and prints how many recipients it found."""
import email
import sys

from flufl.bounce import all_failures

files = recipients = 0
for path in sys.stdin:
    files += 1
    with open(path.rstrip('\n'), 'rb') as file:
        message = email.message_from_binary_file(file)
    try:
        temporary, permanent = all_failures(message)
    except Exception:  # it fails on a few messages with bytes outside ASCII in their headers
        continue
    recipients += len(temporary) + len(permanent)
print('%d files, %d recipients' % (files, recipients))
