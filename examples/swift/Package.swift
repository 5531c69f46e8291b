// swift-tools-version: 6.2
// All Swift examples in one package: each package builds its dependencies anew.

import PackageDescription

let package = Package(
    name: "tempest-examples",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "tempest", path: "../.."),
        .package(url: "https://github.com/apple/swift-log", from: "1.6.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.6.0"),
    ],
    targets: [
        .executableTarget(
            name: "worker",
            dependencies: [
                .product(name: "Tempest", package: "tempest"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ]),
        .executableTarget(name: "caller", dependencies: [.product(name: "Tempest", package: "tempest")]),
    ]
)
