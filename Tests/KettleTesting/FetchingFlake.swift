import Foundation
import KettleProvenance
import SystemPackage

/// A flake that needs the network: a program made of a library, made of a base, made of a downloaded word. And a binary cache
/// that has the library and the base, made and signed by the real Nix.
///
/// What the cache has is not what a build makes, so that a test sees where it came from.
package enum FetchingFlake {
    package static let word = "downloaded"
    package static let url = "https://words.invalid/word.txt"
    /// What the program says where library and base are built, and where they are the cache's.
    package static let builtOutput = "built downloaded\n"
    package static let cachedOutput = "cached library cached base\n"

    /// The word's place at a mirror by digests.
    package static let mirroredPath = "/sha256/\(ContentDigest(of: word.utf8))"

    package static func files(url: String = url, more attributes: String = "") -> [String: String] {
        [
            "flake.nix": """
            { outputs = { self }: {
              packages.x86_64-linux = rec {
                word = derivation ({
                  name = "word.txt"; system = "builtin"; builder = "builtin:fetchurl"; preferLocalBuild = true;
                  url = "\(url)"; executable = false; unpack = false;
                  outputHashMode = "flat"; outputHashAlgo = "sha256"; outputHash = "\(ContentDigest(of: word.utf8))";
                } // { \(attributes) });
                make = name: script: derivation {
                  inherit name; system = "x86_64-linux"; builder = "/bin/sh"; PATH = "/usr/bin:/bin"; args = [ "-c" script ];
                };
                base = make "base" "mkdir $out; cp ${word} $out/word";
                library = make "library" "mkdir $out; echo built > $out/word; ln -s ${base} $out/base";
                default = make "speak" ''
                  mkdir -p $out/bin
                  { echo '#!/bin/sh'; echo "echo $(cat ${library}/word) $(cat ${library}/base/word)"; } > $out/bin/speak
                  chmod +x $out/bin/speak
                '';
              };
            }; }
            """
        ]
    }

    package struct Cache: Sendable {
        package var publicKey: String
        /// By path, as ``FileServer`` takes them.
        package var files: [String: [UInt8]]
        package var library: String
        package var base: String

        package func path(ofInfo storePath: String) -> String { "/\(storePath.dropFirst(11).prefix(32)).narinfo" }

        /// A line of what the cache says about a store path.
        package func value(_ key: String, of storePath: String) -> String? {
            String(decoding: files[path(ofInfo: storePath)] ?? [], as: UTF8.self).split(separator: "\n")
                .first { $0.hasPrefix("\(key): ") }.map { String($0.dropFirst(key.count + 2)) }
        }
    }

    /// Has Nix register the two paths in a store of the test's own, and copy them to a cache.
    private static let script = """
        set -eu
        export HOME="$1" NIX_STATE_DIR="$1/state" NIX_LOG_DIR="$1/state" NIX_CONFIG="experimental-features = nix-command flakes
        build-users-group =
        substituters ="
        store="local?root=$1/root"
        base=$(nix eval --raw --store "$store" "path:$2#base.outPath")
        library=$(nix eval --raw --store "$store" "path:$2#library.outPath")
        mkdir -p "$1/root$base" "$1/root$library"
        echo "cached base" > "$1/root$base/word"
        echo "cached library" > "$1/root$library/word"
        ln -s "$base" "$1/root$library/base"
        describe() {
            echo "$1"; nix-hash --type sha256 "$2$1"; nix-store --dump "$2$1" | wc -c; echo
        }
        {
            describe "$base" "$1/root"; echo 0
            describe "$library" "$1/root"; printf '1\\n%s\\n' "$base"
        } | nix-store --store "$store" --load-db
        nix key generate-secret --key-name "$3" > "$1/secret"
        nix copy --store "$store" --from "$store" --to "file://$1/cache?secret-key=$1/secret" "$library"
        if [ "$4" ]; then
            word=$(nix eval --raw --store "$store" "path:$2#word.outPath")
            printf %s "$4" > "$1/root$word"
            { describe "$word" "$1/root"; echo 0; } | nix-store --store "$store" --load-db
            nix copy --store "$store" --from "$store" --to "file://$1/cache?secret-key=$1/secret" "$word"
        fi
        echo "$library"; echo "$base"; nix key convert-secret-to-public < "$1/secret"
        """

    /// - Parameter word: What it has and signs as the word, which may be another; nil for nothing.
    package static func makeCache(
        in scratch: ScratchFolder, word: String? = nil, more attributes: String = ""
    ) async throws -> Cache {
        let folder = try scratch.write(files(more: attributes), to: "cache-\(UUID().uuidString)")
        let ended = try await Command.run(
            "sh", ["-c", script, "sh", folder.string, folder.string, "test-cache-1", word ?? ""])
        let lines = ended.output.split(separator: "\n").map(String.init)
        guard ended.status == 0, lines.count == 3 else { throw CommandFailed(program: "nix", ended: ended) }
        var files: [String: [UInt8]] = [:]
        let root = folder.appending("cache").string
        for path in try FileManager.default.subpathsOfDirectory(atPath: root) {
            files["/\(path)"] = FileManager.default.contents(atPath: "\(root)/\(path)").map(Array.init)
        }
        return Cache(publicKey: lines[2], files: files, library: lines[0], base: lines[1])
    }
}
