"""Runs apus-bench and its peers in turn, workload by workload, and writes a table of ratios.

A ratio is the peer's time over ours, pair by pair; the table gives the median over the rounds. Times on a shared
machine drift, ratios of neighbouring runs much less.
"""

import argparse
import importlib.metadata
import json
import os
import pathlib
import platform
import statistics
import subprocess
import sys

here = pathlib.Path(__file__).parent
environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENBLAS_")}


def lines(command, check=True):
    done = subprocess.run(command, env=environment, check=check, stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def processor():
    for line in open("/proc/cpuinfo") if os.path.exists("/proc/cpuinfo") else []:
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.processor()


def measure_together(options, commands, times):
    """Each program runs all workloads in one go: for machines where nothing else runs and time is short."""
    arguments = ["--only", options.only, "--threads", str(options.threads), "--seconds", str(options.seconds)]
    for round_number in range(options.rounds):
        for name, command in commands.items():
            print(f"[{round_number + 1}/{options.rounds}] {name}", file=sys.stderr, flush=True)
            for line in lines(command + arguments, check=False):
                if line["id"] in times:
                    times[line["id"]][name].append(line["median_ms"])
    return times


def measure(options, commands):
    """{id: {name: [milliseconds of each round]}}"""
    ids = subprocess.run(commands["apus"] + ["--list"], env=environment, check=True, capture_output=True,
                         text=True).stdout.split()
    ids = [i for i in ids if i.startswith(options.only)]
    times = {i: {name: [] for name in commands} for i in ids}
    if options.together:
        return measure_together(options, commands, times)
    for done, workload in enumerate(ids):
        print(f"[{done + 1}/{len(ids)}] {workload}", file=sys.stderr, flush=True)
        for round_number in range(options.rounds):
            for name, command in commands.items():
                if round_number > 0 and not times[workload][name]:
                    continue  # a peer that does not have the workload
                arguments = ["--only", workload, "--threads", str(options.threads), "--seconds", str(options.seconds)]
                times[workload][name] += [r["median_ms"] for r in lines(command + arguments) if r["id"] == workload]
    return times


elsewhere = """
On OpenCL devices: [benchmarks-opencl.md](benchmarks-opencl.md) on PoCL, [benchmarks-gpu.md](benchmarks-gpu.md) on a GPU
beside PyTorch with CUDA.
"""


def about_device():
    """What the figures of an OpenCL device are of."""
    import pyopencl

    device = pyopencl.get_platforms()[0].get_devices()[0]
    text = f"The device is {device.name}, {device.version}, driver {device.driver_version}. The column `cpu` is Apus without it."
    if device.type & pyopencl.device_type.CPU:
        text += (" The device is the processor itself: these figures say nothing of the speed on GPUs. Small operators pay "
                 "what the driver takes for each kernel, 10 to 20 µs with PoCL.")
    return text


def table(times, peers):
    rows = ["| workload | Apus ms | " + " | ".join(f"{p} ms | {p} / Apus" for p in peers) + " |",
            "| --- | ---: |" + " ---: | ---: |" * len(peers)]
    for workload, by_name in times.items():
        ours = by_name["apus"]
        row = f"| {workload} | {statistics.median(ours):.4g} |"
        for peer in peers:
            theirs = by_name[peer]
            if len(theirs) != len(ours):
                row += " | |"
                continue
            ratio = statistics.median(t / o for t, o in zip(theirs, ours))
            row += f" {statistics.median(theirs):.4g} | {ratio:.2f} |"
        rows.append(row)
    return "\n".join(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--apus", default=".build/release/apus-bench")
    parser.add_argument("--only", default="")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=0.5)
    parser.add_argument("--output", help="a Markdown file to write")
    parser.add_argument("--device", help="an OpenCL device, which is compared with its own peers and with Apus on the CPU")
    parser.add_argument("--torch", metavar="DEVICE", help="compare with PyTorch on this device of its own too, e.g. cuda")
    parser.add_argument("--together", action="store_true", help="all workloads of a program in one run of it")
    options = parser.parse_args()
    packages = ["tinygrad", "pyopencl"] if options.device else ["torch", "numpy"]
    packages += ["torch"] if options.device and options.torch else []
    peers = packages + ["clblast"] if options.device else packages
    commands = {"apus": [options.apus] + (["--device", options.device] if options.device else [])}
    if options.device:
        commands["cpu"] = [options.apus]
    for peer in peers:
        commands[peer] = [sys.executable, str(here / "peers" / f"{peer}_bench.py")]
    if options.torch:
        commands["torch"] += ["--device", options.torch]
    result = table(measure(options, commands), [name for name in commands if name != "apus"])
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    title = f"Benchmarks on {options.device}" if options.device else "Benchmarks"
    order = "Apus and its peers run all workloads" if options.together else "each workload runs in Apus and its peers"
    text = f"""# {title}

Made by `scripts/bench`: {order} in turn, rounds: {options.rounds}; a ratio above 1
means that Apus is faster. Every `OPENBLAS_*` variable is unset for all. Times are medians in milliseconds.

Machine: {processor()}, {os.cpu_count()} processors, {options.threads} threads. {versions}.

{result}
"""
    text += f"\n{about_device()}\n" if options.device else elsewhere
    print(text)
    if options.output:
        temporary = options.output + ".part"
        pathlib.Path(temporary).write_text(text)
        os.replace(temporary, options.output)


main()
