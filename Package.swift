// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// One layer of the engine.
///
/// Each imports only layers that stand before it in the list below.
func layer(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(
    _ name: String, _ dependencies: [Target.Dependency], exclude: [String] = [], resources: [Resource] = []
) -> Target {
    .testTarget(
        name: name, dependencies: dependencies, exclude: exclude, resources: resources, swiftSettings: strict)
}

let package = Package(
    name: "dukkan",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "Dukkan", targets: ["Dukkan"]),
        .executable(name: "dukkan", targets: ["DukkanTool"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/swiftlang/swift-docc-plugin", from: "1.5.0"),
    ],
    targets: [
        .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"]), .brew(["lz4"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        .target(name: "CDukkanKernels"),
        layer("DukkanTime"),
        layer("DukkanFormat", ["CLZ4", "CDukkanKernels", "DukkanTime"]),
        layer("DukkanStorage", ["DukkanFormat", "CDukkanKernels"]),
        layer("DukkanIngest", ["DukkanStorage", "DukkanFormat", "DukkanTime", "CZlib"]),
        layer("DukkanQuery", ["DukkanStorage", "DukkanFormat", "DukkanTime", "CDukkanKernels"]),
        layer("DukkanLanguage", ["DukkanQuery", "DukkanFormat", "DukkanTime"]),
        layer(
            "Dukkan",
            ["DukkanLanguage", "DukkanQuery", "DukkanIngest", "DukkanStorage", "DukkanFormat", "DukkanTime"]),
        .executableTarget(
            name: "DukkanTool",
            dependencies: ["Dukkan", .product(name: "ArgumentParser", package: "swift-argument-parser")],
            swiftSettings: strict),
        .target(
            name: "DukkanFuzzing",
            dependencies: [
                "DukkanLanguage", "DukkanQuery", "DukkanIngest", "DukkanStorage", "DukkanFormat", "DukkanTime",
            ],
            path: "Tests/DukkanFuzzing", swiftSettings: strict),
        tests("DukkanTimeTests", ["DukkanTime"]),
        tests("DukkanFormatTests", ["DukkanFormat", "CDukkanKernels", "DukkanTime"], exclude: ["Golden"]),
        tests("DukkanStorageTests", ["DukkanStorage", "DukkanFormat"]),
        tests("DukkanIngestTests", ["DukkanIngest", "DukkanStorage", "DukkanFormat", "DukkanTime"]),
        tests("DukkanQueryTests", ["DukkanQuery", "DukkanStorage", "DukkanFormat", "DukkanTime"]),
        tests(
            "DukkanLanguageTests", ["DukkanLanguage", "DukkanQuery", "DukkanFormat", "DukkanTime"], exclude: ["Cases"]),
        tests("DukkanTests", ["Dukkan"], exclude: ["Queries"]),
        tests("DukkanToolTests", ["DukkanTool"], exclude: ["Help"]),
        tests("DukkanFuzzingTests", ["DukkanFuzzing"]),
        tests(
            "DukkanDamageTests", ["Dukkan", "DukkanLanguage", "DukkanQuery", "DukkanStorage", "DukkanFormat"]),
    ],
    swiftLanguageModes: [.v6]
)

// Needs the compiler's fuzzer, which is on the command line of `tools/fuzz` and nowhere else.
if Context.environment["DUKKAN_FUZZING"] != nil {
    package.targets.append(
        .executableTarget(
            name: "DukkanFuzzer", dependencies: ["DukkanFuzzing"], path: "tools/fuzzing", swiftSettings: strict))
}
