// swift-tools-version: 6.2
// Apus: tensors, autograd and neural networks for Swift, on a C core. CMakeLists.txt builds the same core for other
// languages.
import PackageDescription

// The kernels rely on the vectoriser, so the C core is optimised in debug builds too, with the same IEEE arithmetic.
let coreFlags = ["-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-fwrapv", "-Wno-pass-failed"]

let package = Package(
    name: "Apus",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "Apus", targets: ["Apus", "ApusNN", "ApusOptim", "ApusData", "ApusTraining"]),
        .library(name: "ApusCore", targets: ["Apus"]),
        .executable(name: "apus", targets: ["apus-cli"]),
        .executable(name: "apus-bench", targets: ["apus-bench"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
    ],
    targets: [
        // MARK: - The C core
        .target(
            name: "CApus",
            path: ".",
            exclude: [
                "Sources", "Tests", "Benchmarks", "Examples", "Documentation", "scripts", "CSources/opencl/kernels",
            ],
            sources: ["CSources"],
            publicHeadersPath: "include",
            cSettings: [
                .headerSearchPath("CSources"),
                .define("NDEBUG", .when(configuration: .release)),
                .unsafeFlags(coreFlags),
            ],
            linkerSettings: [
                .linkedLibrary("openblas"), .linkedLibrary("lapacke"), .linkedLibrary("z"), .linkedLibrary("m"),
            ]
        ),
        .systemLibrary(
            name: "CZlib", path: "Sources/CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        // MARK: - The libraries; imports run downward only
        .target(name: "Apus", dependencies: ["CApus"]),
        .target(name: "ApusNN", dependencies: ["Apus"]),
        .target(name: "ApusOptim", dependencies: ["ApusNN", "Apus"]),
        .target(
            name: "ApusData", dependencies: ["Apus", "CZlib"], resources: [.embedInCode("Resources/digits.bin.gz")]),
        .target(name: "ApusTraining", dependencies: ["ApusData", "ApusOptim", "ApusNN", "Apus"]),

        // MARK: - Programs
        .executableTarget(
            name: "apus-cli",
            dependencies: [
                "ApusTraining", "ApusData", "ApusOptim", "ApusNN", "Apus",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),
        .executableTarget(
            name: "apus-bench", dependencies: ["Apus", "ApusNN", "ApusOptim"], path: "Benchmarks/apus-bench"),
        .executableTarget(name: "Readme", dependencies: ["Apus", "ApusNN", "ApusOptim"], path: "Examples/Readme"),
        .executableTarget(
            name: "Tutorial", dependencies: ["Apus", "ApusNN", "ApusOptim"], path: "Examples/Tutorial"),

        // MARK: - Tests
        .target(name: "TestSupport", dependencies: ["Apus", "ApusNN"], path: "Tests/TestSupport"),
        .testTarget(name: "ApusTests", dependencies: ["Apus", "TestSupport"]),
        .testTarget(name: "ApusNNTests", dependencies: ["ApusNN", "CApus", "TestSupport"]),
        .testTarget(name: "ApusOptimTests", dependencies: ["ApusOptim", "ApusNN", "TestSupport"]),
        .testTarget(name: "ApusDataTests", dependencies: ["ApusData", "Apus", "CZlib", "TestSupport"]),
        .testTarget(
            name: "ApusTrainingTests",
            dependencies: [
                "ApusTraining", "ApusData", "ApusOptim", "ApusNN", "Apus", "TestSupport", "Tutorial", "apus-cli",
            ]),
    ],
    swiftLanguageModes: [.v6],
    cLanguageStandard: .gnu17
)

// What libapus_train exports to C; CMakeLists.txt builds the library. Here it is compiled only, for editors and so that
// changes below it are noticed. `@c` came with this compiler.
#if compiler(>=6.3)
    package.targets.append(.target(name: "ApusExports", dependencies: ["ApusOptim", "ApusNN", "Apus"]))
#endif
