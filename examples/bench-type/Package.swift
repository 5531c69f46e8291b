// swift-tools-version: 6.2
// Measures the codecs on a type of your own.

import PackageDescription

let package = Package(
    name: "tempest-bench-type",
    platforms: [.macOS(.v26)],
    dependencies: [.package(name: "tempest", path: "../..")],
    targets: [
        .executableTarget(name: "bench-type", dependencies: [.product(name: "TempestBench", package: "tempest")])
    ]
)
