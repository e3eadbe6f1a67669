import KettleToolchains
import SystemPackage

/// The toolchains of this program, in the order in which they look at a source.
enum Toolchains {
    /// Looks for each of them on this machine.
    ///
    /// - Parameter cache: Where what can be had again is kept.
    static func find(_ settings: ServiceSettings, cache: FilePath?) async -> [ToolchainOffer] {
        let nix = NixConfiguration(
            github: settings.nixGitHub,
            binaryCacheURL: settings.nixCache == "none" ? nil : settings.nixCache ?? NixConfiguration.standardCacheURL,
            binaryCacheKey: settings.nixCacheKey, hashedMirror: settings.nixHashedMirror, cache: cache)
        let cargo = CargoConfiguration(
            registryMirror: settings.cargoRegistry, vendorDirectory: settings.cargoVendor.map { FilePath($0) },
            cache: cache)
        let node = NodeConfiguration(registryMirror: settings.npmRegistry, cache: cache)
        let go = GoConfiguration(proxy: settings.goProxy, cache: cache)
        let uv = UvConfiguration(
            filesMirror: settings.pypiFiles, backends: settings.buildBackends.map { FilePath($0) }, cache: cache)
        return [
            await .find { () async throws(ToolchainError) in try await NixToolchain.locate(configuration: nix) },
            await .find { () async throws(ToolchainError) in try await CargoToolchain.locate(configuration: cargo) },
            await .find { () async throws(ToolchainError) in try await PnpmToolchain.locate(configuration: node) },
            await .find { () async throws(ToolchainError) in try await NpmToolchain.locate(configuration: node) },
            await .find { () async throws(ToolchainError) in try await GoToolchain.locate(configuration: go) },
            await .find { () async throws(ToolchainError) in try await UvToolchain.locate(configuration: uv) },
            await .find { () async throws(ToolchainError) in try await SwiftToolchain.locate(cache: cache) },
        ]
    }
}
