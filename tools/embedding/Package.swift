// swift-tools-version: 6.2
import PackageDescription

// An application that links the library and nothing else: see tools/embedded.
let package = Package(
    name: "Embedding",
    platforms: [.macOS(.v15)],
    dependencies: [.package(name: "dukkan", path: "../..")],
    targets: [
        .executableTarget(name: "Embedding", dependencies: [.product(name: "Dukkan", package: "dukkan")])
    ],
    swiftLanguageModes: [.v6]
)
