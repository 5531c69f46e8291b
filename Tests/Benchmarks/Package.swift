// swift-tools-version: 6.1
// What a document costs: counted instruction by instruction (./counts), or timed (swift package benchmark). A package of its own, so
// that nobody who builds Tempest fetches what only this needs.

import PackageDescription

let package = Package(
    name: "tempest-benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "tempest", path: "../.."),
        // Without its traits it needs no jemalloc: allocations are not counted.
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
    ],
    targets: [
        // What is measured, the same for both ways.
        .target(name: "CodecCases", dependencies: [.product(name: "TempestCodecs", package: "tempest")]),
        // Run under callgrind by ./counts.
        .executableTarget(name: "codec-counts", dependencies: ["CodecCases"]),
        // The plugin looks for targets in the folder Benchmarks alone.
        .executableTarget(
            name: "CodecBenchmarks",
            dependencies: ["CodecCases", .product(name: "Benchmark", package: "benchmark")],
            path: "Benchmarks/CodecBenchmarks",
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
    ]
)
