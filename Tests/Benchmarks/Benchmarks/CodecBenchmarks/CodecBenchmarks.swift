// The same operations against the clock: swift package benchmark. Times differ from machine to machine; counts are what is committed.

import Benchmark
import CodecCases

let benchmarks: @Sendable () -> Void = {
    Benchmark.defaultConfiguration = .init(
        metrics: [.wallClock, .throughput], scalingFactor: .kilo, maxDuration: .seconds(1))
    do {
        for operation in try CodecCase.all() {
            Benchmark(operation.name) { benchmark in
                for _ in benchmark.scaledIterations { blackHole(try operation.run()) }
            }
        }
    } catch {
        fatalError("the payload cannot be written: \(error)")
    }
}
