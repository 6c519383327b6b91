#!/usr/bin/python3
"""Prints how many transactions of a run of script/regress ended on a server that was not pinned, and why the
others did.

Tidegate counts those of the noisy neighbours, too. They do the same in every round: what a round costs is
known from the rounds before the tests (between before.counters and calibrated.counters), and how many came
during the tests is in `rounds`.

Usage: unpinned_share.py DIRECTORY
"""
import sys
from collections import Counter
from pathlib import Path


def counters(path):
    """(pins, transactions) by reason, each a Counter; all transactions count for the reason "all"."""
    pins, transactions = Counter(), Counter()
    for line in path.read_text().splitlines():
        reason, pin, transaction = line.split()
        pins[reason], transactions[reason] = int(pin), int(transaction)
    return pins, transactions


def without_noise(directory, which):
    before, calibrated, after = (counters(directory / f"{name}.counters")[which]
                                 for name in ("before", "calibrated", "after"))
    rounds_before = int((directory / "calibration").read_text().split()[0])
    rounds = int((directory / "rounds").read_text().split()[0])
    return Counter({reason: round(after[reason] - calibrated[reason] -
                                  (calibrated[reason] - before[reason]) * rounds / rounds_before)
                    for reason in after})


def main():
    directory = Path(sys.argv[1])
    pins, transactions = without_noise(directory, 0), without_noise(directory, 1)
    total = transactions.pop("all")
    pins.pop("all")
    pinned = sum(transactions.values())
    print(f"{100 * (total - pinned) / total:.1f} % of {total} transactions ran unpinned; pins by reason:")
    for reason, count in transactions.most_common():
        print(f"  {reason.replace('_', ' '):24} {pins[reason]:6} pins {count:8} transactions"
              f" {100 * count / total:5.1f} %")


if __name__ == "__main__":
    main()
