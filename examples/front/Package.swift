// swift-tools-version: 6.2
// The Swift worker of the page.

import PackageDescription

let package = Package(
    name: "tempest-front-example",
    platforms: [.macOS(.v26)],
    dependencies: [.package(name: "tempest", path: "../..")],
    targets: [.executableTarget(name: "front-worker", dependencies: [.product(name: "Tempest", package: "tempest")])]
)
