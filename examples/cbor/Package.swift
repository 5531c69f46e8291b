// swift-tools-version: 6.2
// A codec from outside of Tempest: a library, three programs that use it, and its tests.

import PackageDescription

let package = Package(
    name: "tempest-cbor",
    platforms: [.macOS(.v15)],
    products: [.library(name: "TempestCBOR", targets: ["TempestCBOR"])],
    dependencies: [
        .package(name: "tempest", path: "../.."),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.6.0"),
    ],
    targets: [
        // The codec needs the layer of codecs alone: no Redis, no network.
        .target(name: "TempestCBOR", dependencies: [.product(name: "TempestCodecs", package: "tempest")]),
        .executableTarget(
            name: "cbor-worker",
            dependencies: [
                "TempestCBOR",
                .product(name: "Tempest", package: "tempest"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]),
        .executableTarget(
            name: "cbor-caller", dependencies: ["TempestCBOR", .product(name: "Tempest", package: "tempest")]),
        .executableTarget(
            name: "cbor-transcode", dependencies: ["TempestCBOR", .product(name: "TempestCodecs", package: "tempest")]),
        .testTarget(
            name: "TempestCBORTests",
            dependencies: [
                "TempestCBOR",
                .product(name: "Tempest", package: "tempest"),
                .product(name: "TempestCodecs", package: "tempest"),
                .product(name: "TempestTesting", package: "tempest"),
                .product(name: "Logging", package: "swift-log"),
            ]),
    ]
)

for target in package.targets {
    target.swiftSettings = [
        .enableUpcomingFeature("ExistentialAny"),
        .enableUpcomingFeature("MemberImportVisibility"),
        .enableUpcomingFeature("InternalImportsByDefault"),
        .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
        .swiftLanguageMode(.v6),
    ]
    if Context.environment["TEMPEST_CI"] != nil { target.swiftSettings?.append(.treatAllWarnings(as: .error)) }
}
