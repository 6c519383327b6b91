"""What a suite says of its tests, in the forms that suites say it: {name: outcome}."""
import json
import re
import subprocess
import xml.etree.ElementTree as ElementTree

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"


def run(command, log, timeout, **options):
    """The end of a suite that hangs is its end by force, and what it has not told is not passed."""
    with log.open("w") as out:
        process = subprocess.Popen(list(map(str, command)), stdout=out, stderr=subprocess.STDOUT,
                                   stdin=subprocess.DEVNULL, start_new_session=True, **options)
        try:
            return process.wait(timeout)
        except subprocess.TimeoutExpired:
            out.write(f"\nended by force after {timeout} s\n")
            return None
        finally:
            end_group(process)


def end_group(process):
    """Children that were left behind, too; the group is the process's own."""
    subprocess.run(["kill", "-KILL", "--", f"-{process.pid}"], stderr=subprocess.DEVNULL, check=False)
    process.wait()


def outcome_of(case):
    if case.find("failure") is not None or case.find("error") is not None:
        return FAILED
    return SKIPPED if case.find("skipped") is not None else PASSED


def junit(*reports):
    """Of pytest and surefire. A test that is told twice (its clean-up failed) is as bad as its worst."""
    outcomes = {}
    for report in reports:
        for case in ElementTree.parse(report).getroot().iter("testcase"):
            name = f"{case.get('classname')}.{case.get('name')}"
            if outcomes.get(name) != FAILED:
                outcomes[name] = outcome_of(case)
    return outcomes


def go_events(path):
    """Of `go test -json`. What has begun and was never told to have ended has failed."""
    words = {"run": FAILED, "pass": PASSED, "fail": FAILED, "skip": SKIPPED}
    outcomes = {}
    for line in path.read_text(errors="replace").splitlines():
        try:
            event = json.loads(line)
        except json.JSONDecodeError:
            continue
        if event.get("Test") and event.get("Action") in words:
            package = event["Package"].split("/v5", 1)[-1].lstrip("/")
            outcomes[f"{package}.{event['Test']}"] = words[event["Action"]]
    return outcomes


def cargo_lines(path):
    words = {"ok": PASSED, "FAILED": FAILED, "ignored": SKIPPED}
    return {match[1]: words[match[2]]
            for match in re.finditer(r"^test (\S+)(?: - should panic)? \.\.\. (ok|FAILED|ignored)",
                                     path.read_text(errors="replace"), re.MULTILINE)}
