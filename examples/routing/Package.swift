// swift-tools-version: 6.2
// The Swift worker of the route, and its caller.

import PackageDescription

let package = Package(
    name: "tempest-routing",
    platforms: [.macOS(.v26)],
    dependencies: [.package(name: "tempest", path: "../..")],
    targets: [.executableTarget(name: "routing", dependencies: [.product(name: "Tempest", package: "tempest")])]
)
