# Reads pairs of versions, a tab between them; prints -1, 0 or 1 a line as dpkg orders them, or "invalid".
use strict;
use warnings;
use Dpkg::Version;

while (my $line = <STDIN>) {
    chomp $line;
    my ($a, $b) = map { Dpkg::Version->new($_, check => 1) } split /\t/, $line, 2;
    print defined $a && defined $b ? version_compare("$a", "$b") : 'invalid', "\n";
}
