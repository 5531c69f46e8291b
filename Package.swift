// swift-tools-version: 6.2
// What is built, and what may import what: dependencies point downwards only (Tests/ArchitectureTests checks the import lines).

import PackageDescription

let package = Package(
    name: "tempest",
    platforms: [.macOS(.v26)],
    products: [
        .library(name: "Tempest", targets: ["Tempest"]),
        .library(name: "TempestBench", targets: ["TempestBench"]),
        .library(name: "TempestCodecs", targets: ["TempestCodecs"]),
        .library(name: "TempestFront", targets: ["TempestFront"]),
        .library(name: "TempestTesting", targets: ["TempestTesting"]),
        .executable(name: "tempest", targets: ["TempestCommand"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0"),
        .package(url: "https://github.com/apple/swift-crypto", "3.12.3"..<"5.0.0"),
        .package(url: "https://github.com/apple/swift-distributed-tracing", from: "1.2.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.4.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.5.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.100.0"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.30.0"),
        // Not a dependency of ours by name: earlier ones let headers of HTTP/2 through that they should not.
        .package(url: "https://github.com/apple/swift-nio-http2", from: "1.44.1"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.29.0"),
        .package(url: "https://github.com/apple/swift-system", from: "1.5.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.6.0"),
        .package(url: "https://github.com/swiftlang/swift-subprocess", from: "1.0.0"),
    ],
    targets: [
        .systemLibrary(
            name: "CHiredis", pkgConfig: "hiredis", providers: [.apt(["libhiredis-dev"]), .brew(["hiredis"])]),
        .systemLibrary(
            name: "CMessagePack", pkgConfig: "msgpack", providers: [.apt(["libmsgpack-dev"]), .brew(["msgpack"])]),
        .target(name: "TempestCodecs", dependencies: ["CMessagePack"]),
        .target(
            name: "TempestProtocol", dependencies: ["TempestCodecs"],
            // The contract lives in protocol/ alone; the build carries a copy of it.
            resources: [.embedInCode("../../protocol/tempest.lua")]),
        .target(
            name: "TempestRedis",
            dependencies: [
                "CHiredis",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
            ]),
        .target(
            name: "Tempest",
            dependencies: [
                "TempestCodecs", "TempestProtocol", "TempestRedis",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "Tracing", package: "swift-distributed-tracing"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]),
        .target(
            name: "TempestTesting",
            dependencies: [
                "Tempest", "TempestRedis",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Subprocess", package: "swift-subprocess"),
            ]),
        .target(
            name: "TempestSupervisor",
            dependencies: [
                "Tempest", "TempestRedis",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "Subprocess", package: "swift-subprocess"),
                .product(name: "SystemPackage", package: "swift-system"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ]),
        .target(
            name: "TempestFront",
            dependencies: [
                "Tempest", "TempestCodecs", "TempestProtocol", "TempestRedis",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOHTTP2", package: "swift-nio-http2"),
                .product(name: "NIOHTTPCompression", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP1", package: "swift-nio-extras"),
                .product(name: "NIOHTTPTypesHTTP2", package: "swift-nio-extras"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Yams", package: "Yams"),
            ]),
        // The codec of examples/cbor, measured beside ours. Its example, which depends on this package, has a module TempestCBOR itself.
        .target(name: "TempestBenchCBOR", dependencies: ["TempestCodecs"], path: "examples/cbor/Sources/TempestCBOR"),
        .target(
            name: "TempestBench",
            dependencies: [
                "CMessagePack", "TempestBenchCBOR", "TempestCodecs", "TempestProtocol",
                .product(name: "Subprocess", package: "swift-subprocess"),
            ],
            // Real files, so that they can be read and checked as what they are.
            resources: [
                .embedInCode("Peers/python_peer.py"), .embedInCode("Peers/msgspec_types.py"), .embedInCode("Peers/ruby_peer.rb"),
                // What `tempest bench codecs --type` prints.
                .embedInCode("../../examples/bench-type/Sources/bench-type/main.swift"),
            ]),
        .target(
            name: "TempestLoad",
            dependencies: [
                "CHiredis", "Tempest", "TempestBench", "TempestCodecs", "TempestProtocol", "TempestRedis", "TempestTesting",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
            ]),
        .executableTarget(
            name: "TempestCommand",
            dependencies: [
                "Tempest", "TempestBench", "TempestFront", "TempestLoad", "TempestSupervisor", "TempestTesting",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]),

        // The Swift side of the comparison of languages (Tests/Differential): part of the tests, no product.
        .executableTarget(name: "DifferentialPeer", dependencies: ["TempestCodecs"], path: "Tests/Differential/Sources"),

        // Tests, by what they need: nothing, then Redis, then processes.
        .testTarget(name: "ArchitectureTests"),
        .testTarget(name: "TempestCodecsTests", dependencies: ["TempestCodecs"]),
        .testTarget(name: "TempestProtocolTests", dependencies: ["TempestProtocol"]),
        .testTarget(name: "TempestBenchTests", dependencies: ["TempestBench", "TempestCodecs"]),
        .testTarget(name: "TempestLoadTests", dependencies: ["TempestBench", "TempestCodecs", "TempestLoad", "TempestTesting"]),
        .testTarget(
            name: "TempestRedisTests",
            dependencies: [
                "CHiredis", "TempestRedis", "TempestTesting",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        .testTarget(
            name: "VectorTests",
            dependencies: [
                "Tempest", "TempestCodecs", "TempestProtocol", "TempestRedis", "TempestTesting",
                .product(name: "Logging", package: "swift-log"),
            ]),
        .testTarget(
            name: "TempestTests",
            dependencies: [
                "Tempest", "TempestTesting",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "ServiceLifecycleTestKit", package: "swift-service-lifecycle"),
            ]),
        .testTarget(
            name: "TempestFrontTests",
            dependencies: [
                "Tempest", "TempestFront", "TempestRedis", "TempestTesting",
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOEmbedded", package: "swift-nio"),
                .product(name: "NIOHPACK", package: "swift-nio-http2"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOSSL", package: "swift-nio-ssl"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]),
        .testTarget(
            name: "TempestSupervisorTests",
            dependencies: [
                "Tempest", "TempestSupervisor", "TempestTesting", .product(name: "SystemPackage", package: "swift-system"),
            ]),
        .testTarget(
            name: "ProcessTests",
            dependencies: [
                "Tempest", "TempestCodecs", "TempestRedis", "TempestTesting",
                // Built with the tests, started by them.
                "TempestCommand",
                .product(name: "Logging", package: "swift-log"),
            ]),
    ]
)

// In CI every warning is an error; a user's build must not fail on a compiler newer than ours.
let isCI = Context.environment["TEMPEST_CI"] != nil

for target in package.targets where target.type != .system {
    target.swiftSettings = [
        // SE-0335: `any` is written where an existential is meant.
        .enableUpcomingFeature("ExistentialAny"),
        // SE-0444: a member is visible only where its module is imported.
        .enableUpcomingFeature("MemberImportVisibility"),
        // SE-0409: imports are internal unless they say `public`.
        .enableUpcomingFeature("InternalImportsByDefault"),
        // SE-0461: nonisolated asynchronous functions run where their caller runs.
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        .swiftLanguageMode(.v6),
    ]
    if isCI { target.swiftSettings?.append(.treatAllWarnings(as: .error)) }
}
