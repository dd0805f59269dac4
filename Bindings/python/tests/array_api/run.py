"""Runs the data-apis array-api-tests suite against Apus and says what fails that array_api_strict passes.

    python tests/array_api/run.py [--suite FOLDER] [--examples N] [--strict] [-- pytest's arguments]

The suite is not part of this repository. FOLDER (or APUS_ARRAY_API_TESTS in the environment) is a checkout of it at the
commit that array_api_strict_failures.txt names, with its submodule, and with pytest, hypothesis, ndindex and NumPy
installed; without one a line says that the suite was skipped. A failure counts unless array_api_strict fails the test
as well, or the test asks for a name that Apus lacks (see standard.py). --strict runs array_api_strict instead and
writes the list of what it fails.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from standard import EXTENSIONS, missing

HERE = Path(__file__).resolve().parent
KNOWN = HERE / "array_api_strict_failures.txt"


def run(suite: Path, module: str, examples: int, arguments: list[str]) -> dict[str, str]:
    """The failed tests, and what they said. Raises where the suite did not run."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        environment = os.environ | {"ARRAY_API_TESTS_MODULE": module, "ARRAY_API_TESTS_VERSION": "2024.12"}
        command = [
            sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--disable-deadline", "--derandomize",
            "--tb=short", "--no-header", f"--max-examples={examples}", f"--junitxml={report}",
            *(arguments or ["array_api_tests"]),
        ]  # fmt: skip
        output = subprocess.run(command, cwd=suite, env=environment, capture_output=True, text=True)
        if output.returncode not in (0, 1) or not report.exists():
            raise RuntimeError(f"the suite did not run:\n{output.stdout[-3000:]}{output.stderr[-3000:]}")
        failed = {}
        for case in ElementTree.parse(report).iter("testcase"):
            for problem in (*case.findall("failure"), *case.findall("error")):
                text = f"{problem.get('message')}\n{problem.text}"
                failed[f"{case.get('classname')}::{case.get('name')}"] = text
        print(output.stdout.strip().splitlines()[-1])
        return failed


def asks_for_missing(test: str, text: str, names: list[str]) -> bool:
    """Whether a test failed because it uses a name that is not there."""
    if re.search(r"has no attribute '(linalg|fft)'", text) and any(n.partition(".")[0] in EXTENSIONS for n in names):
        return True
    asked = re.findall(r"(?:has no attribute '|AssertionError: )(\w+)(?:'| is not defined in| not found in)", text)
    return any(name in names for name in asked) or any(test.endswith(f"-{name}]") for name in names)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--suite", default=os.environ.get("APUS_ARRAY_API_TESTS"))
    parser.add_argument("--examples", type=int, default=20)
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("pytest", nargs="*")
    arguments = parser.parse_args()
    if not arguments.suite or not Path(arguments.suite, "array_api_tests").is_dir():
        print("array-api-tests: skipped, no copy of the suite at hand (--suite, or APUS_ARRAY_API_TESTS)")
        return 0
    suite = Path(arguments.suite).resolve()
    if arguments.strict:
        failed = run(suite, "array_api_strict", arguments.examples, arguments.pytest)
        comments = [line for line in KNOWN.read_text().splitlines() if line.startswith("#")]
        KNOWN.write_text("\n".join([*comments, *sorted(failed)]) + "\n")
        return 0
    known = {line for line in KNOWN.read_text().splitlines() if line and not line.startswith("#")}
    names = missing()
    failed = run(suite, "apus", arguments.examples, arguments.pytest)
    absent = {test for test, text in failed.items() if asks_for_missing(test, text, names)}
    ours = sorted(set(failed) - known - absent)
    print(f"of these {len(absent)} ask for the {len(names)} names that are missing, {len(set(failed) & known - absent)} fail")
    print(f"with array_api_strict too, and {len(ours)} fail here alone")
    for test in ours:
        print(f"\n{test}\n{failed[test][:2000]}")
    return 1 if ours else 0


if __name__ == "__main__":
    sys.exit(main())
