// swift-tools-version: 6.2
import PackageDescription

// A package of its own: those who depend on the library never resolve what only measurements need.
let package = Package(
    name: "Benchmarks",
    platforms: [.macOS(.v15)],
    dependencies: [
        .package(name: "dukkan", path: ".."),
        .package(url: "https://github.com/ordo-one/benchmark", from: "1.38.1", traits: []),
    ],
    targets: [
        .executableTarget(
            name: "DukkanBenchmarks",
            dependencies: [
                .product(name: "Dukkan", package: "dukkan"), .product(name: "Benchmark", package: "benchmark"),
            ],
            path: "Benchmarks/DukkanBenchmarks",
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
        // The library's own kernels, which it does not offer to others: the same files under another name.
        .target(name: "DukkanKernelSources", path: "Benchmarks/DukkanKernelSources"),
        .executableTarget(
            name: "KernelBenchmarks",
            dependencies: ["DukkanKernelSources", .product(name: "Benchmark", package: "benchmark")],
            path: "Benchmarks/KernelBenchmarks",
            plugins: [.plugin(name: "BenchmarkPlugin", package: "benchmark")]),
    ],
    swiftLanguageModes: [.v6]
)
