#!/usr/bin/python3
"""Prints "passed failed skipped" over the JUnit reports of a test run.

ctest counts a GoogleTest program as one test. Where such a program left a report of its own
(cases/NAME.xml), its cases are counted in its place; a program that crashed left none and stays
the one failure that ctest saw.

Usage: count_results.py DIRECTORY
"""
import sys
import xml.etree.ElementTree as ElementTree
from collections import Counter
from pathlib import Path


def outcome(case):
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    if case.find("skipped") is not None or case.get("status") in ("notrun", "disabled"):
        return "skipped"
    return "passed"


def cases_of(report):
    try:
        return list(ElementTree.parse(report).getroot().iter("testcase"))
    except ElementTree.ParseError:  # cut short by a crash
        return []


def count(directory):
    own_cases = {report.stem: cases_of(report) for report in (directory / "cases").glob("*.xml")}
    counts = Counter()
    for report in directory.glob("*.xml"):
        for case in cases_of(report):
            own = own_cases.get(case.get("name")) if report.stem == "ctest" else None
            counts.update(map(outcome, own) if own else [outcome(case)])
            # A program may pass its cases and still fail (a leak found at its end).
            if own and outcome(case) == "failed" and not any(outcome(c) == "failed" for c in own):
                counts["failed"] += 1
    return counts


if __name__ == "__main__":
    counted = count(Path(sys.argv[1]))
    print(counted["passed"], counted["failed"], counted["skipped"])
