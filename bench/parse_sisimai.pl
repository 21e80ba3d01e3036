#!/usr/bin/perl
# SPDX-License-Identifier: Apache-2.0
# Reads each file named on standard input with Sisimai and prints how many recipients it found.
use strict;
use warnings;
use Sisimai;

my ($files, $recipients) = (0, 0);
while (my $path = <STDIN>) {
	chomp $path;
	my $found = Sisimai->make($path, 'delivered' => 1);
	$recipients += @$found if $found;
	$files++;
}
print "$files files, $recipients recipients\n";
