// swift-tools-version: 6.2
// The Swift worker for a front of node-tempest.

import PackageDescription

let package = Package(
    name: "tempest-original",
    platforms: [.macOS(.v26)],
    dependencies: [.package(name: "tempest", path: "../..")],
    targets: [.executableTarget(name: "original", dependencies: [.product(name: "Tempest", package: "tempest")])]
)
