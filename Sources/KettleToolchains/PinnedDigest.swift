import Crypto
import Glibc
package import KettleProvenance

/// The digest by which a lockfile pins a file.
package struct PinnedDigest: Hashable, Sendable {
    /// Those that nobody can make a second file for. Lockfiles also have SHA-1 and MD5, which pin nothing.
    package enum Algorithm: String, Sendable {
        /// As in-toto's digest sets call them.
        case sha256, sha384, sha512

        var byteCount: Int {
            switch self {
            case .sha256: SHA256.byteCount
            case .sha384: SHA384.byteCount
            case .sha512: SHA512.byteCount
            }
        }
    }

    package let algorithm: Algorithm
    package let bytes: [UInt8]

    package init(_ digest: ContentDigest) {
        algorithm = .sha256
        bytes = digest.bytes
    }

    /// - Returns: nil unless there are as many bytes as the algorithm gives.
    package init?(_ algorithm: Algorithm, bytes: [UInt8]) {
        guard bytes.count == algorithm.byteCount else { return nil }
        self.algorithm = algorithm
        self.bytes = bytes
    }

    /// Reads lower-case hexadecimal digits.
    package init?(_ algorithm: Algorithm, hex: String) {
        guard let bytes = [UInt8](hexadecimal: hex) else { return nil }
        self.init(algorithm, bytes: bytes)
    }

    /// Lower-case hexadecimal digits.
    package var hex: String { bytes.hexadecimal }

    /// What a file is known by in a statement.
    package var digestSet: [String: String] { [algorithm.rawValue: hex] }

    /// The digest of an open file from its first byte on, whatever its offset. Blocks.
    ///
    /// - Returns: nil when it cannot be read to its end.
    static func ofFile(_ descriptor: CInt, _ algorithm: Algorithm) -> PinnedDigest? {
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 256 << 10, alignment: 16)
        defer { buffer.deallocate() }
        var hasher = PinnedHasher(algorithm)
        var offset: off_t = 0
        while true {
            let count = pread(descriptor, buffer.baseAddress, buffer.count, offset)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { return nil }
            if count == 0 { return hasher.finalize() }
            hasher.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
            offset += off_t(count)
        }
    }
}

/// Computes a ``PinnedDigest`` piece by piece.
struct PinnedHasher {
    private enum State {
        case sha256(SHA256)
        case sha384(SHA384)
        case sha512(SHA512)
    }

    private var state: State

    init(_ algorithm: PinnedDigest.Algorithm) {
        switch algorithm {
        case .sha256: state = .sha256(SHA256())
        case .sha384: state = .sha384(SHA384())
        case .sha512: state = .sha512(SHA512())
        }
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        switch state {
        case .sha256(var hasher):
            hasher.update(bufferPointer: bytes)
            state = .sha256(hasher)
        case .sha384(var hasher):
            hasher.update(bufferPointer: bytes)
            state = .sha384(hasher)
        case .sha512(var hasher):
            hasher.update(bufferPointer: bytes)
            state = .sha512(hasher)
        }
    }

    consuming func finalize() -> PinnedDigest? {
        switch state {
        case .sha256(let hasher): PinnedDigest(.sha256, bytes: Array(hasher.finalize()))
        case .sha384(let hasher): PinnedDigest(.sha384, bytes: Array(hasher.finalize()))
        case .sha512(let hasher): PinnedDigest(.sha512, bytes: Array(hasher.finalize()))
        }
    }
}
