import Apus

let options = Options(Array(CommandLine.arguments.dropFirst()))
Runtime.numThreads = options.threads
manualSeed(0)
report(workloads, options: options)
