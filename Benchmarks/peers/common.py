"""What the peers share: timing a workload and printing one JSON line for it, as apus-bench does."""

import argparse
import json
import os
import statistics
import time

# A forced OpenBLAS core would measure the environment, not the library.
for name in [n for n in os.environ if n.startswith("OPENBLAS_")]:
    del os.environ[name]


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", default="", help="run the workloads whose id starts with this")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=0.5, help="time for each workload")
    parser.add_argument("--device", default="cpu", help="where PyTorch computes: cpu, cuda")
    return parser.parse_args()


def measure(run, seconds):
    """Median milliseconds of one call, and the number of samples. A sample lasts at least 50 µs."""
    for _ in range(2):
        run()
    start = time.perf_counter()
    run()
    once = max(time.perf_counter() - start, 1e-9)
    repeat = max(1, int(5e-5 / once))
    samples = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(samples) < 5:
        start = time.perf_counter()
        for _ in range(repeat):
            run()
        samples.append((time.perf_counter() - start) / repeat)
    return statistics.median(samples) * 1e3, len(samples) * repeat


def report(peer, options, workloads):
    """Runs the chosen workloads. A workload is (id, setup), and setup returns (run, GFLOP, GB)."""
    for name, setup in workloads:
        if not name.startswith(options.only):
            continue
        run, gflop, gigabytes = setup()
        milliseconds, iterations = measure(run, options.seconds)
        line = {"id": name, "peer": peer, "median_ms": milliseconds, "iterations": iterations,
                "threads": options.threads}
        if gflop:
            line["gflops"] = gflop / milliseconds * 1e3
        if gigabytes:
            line["gb_s"] = gigabytes / milliseconds * 1e3
        print(json.dumps(line), flush=True)
