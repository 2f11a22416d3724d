#!/usr/bin/env bash
# Compares counts with committed ones:
#
#     compare.sh EXPECTED COMMAND <FOUND
#
# Lines of both: name | number | number …. Fails if a number is more than 2 % above the expected one, or if a name is only on
# one side, and prints COMMAND, which accepts what was found. Says so, without failing, if one is more than 2 % below.
set -euo pipefail

awk -F ' *[|] *' -v accept="$2" '
    /^#/ || NF < 2 { next }
    NR == FNR { expected[$1] = $0; next }
    {
        seen[$1] = 1
        if (!($1 in expected)) { print "new: " $0; bad = 1; next }
        columns = split(expected[$1], old, / *[|] */)
        if (columns != NF) { print "another number of columns: " $0; bad = 1; next }
        for (i = 2; i <= NF; i++) {
            compared++
            if ($i !~ /^[0-9]+ *$/) { print "no number: " $0; bad = 1; continue }
            change = sprintf("%s, column %d: %d, expected %d (%+.1f %%)", $1, i - 1, $i, old[i], old[i] ? 100 * ($i / old[i] - 1) : 0)
            if ($i > 1.02 * old[i]) { print "grew: " change; bad = 1 }
            else if ($i < 0.98 * old[i]) { print "fell: " change; fell = 1 }
        }
    }
    END {
        for (name in expected) if (!seen[name]) { print "missing: " expected[name]; bad = 1 }
        if (!compared) { print "nothing was compared"; bad = 1 }
        if (bad || fell) print (bad ? "To accept the new counts: " : "Commit what was gained: ") accept
        else print compared " counts are within 2 % of the expected ones"
        exit bad
    }' "$1" -
