// swift-tools-version: 6.2
import PackageDescription

// Applications that link the library and nothing else: see tools/embedded and tools/load.
let package = Package(
    name: "Embedding",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "dukkan", path: "../..")],
    targets: [
        .executableTarget(name: "Embedding", dependencies: [.product(name: "Dukkan", package: "dukkan")]),
        .executableTarget(name: "Load", dependencies: [.product(name: "Dukkan", package: "dukkan")]),
    ],
    swiftLanguageModes: [.v6]
)
