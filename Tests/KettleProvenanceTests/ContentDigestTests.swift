import Glibc
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

@Suite struct ContentDigestTests {
    /// FIPS 180-4, the examples of SHA-256.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func `a digest is the SHA-256 of the bytes`(text: String, hex: String) {
        #expect(ContentDigest(of: Array(text.utf8)).hex == hex)
        #expect(ContentDigest(of: text.utf8).hex == hex)
        #expect(ContentDigest(hex: hex)?.bytes == ContentDigest(of: text.utf8).bytes)
    }

    @Test(arguments: [
        "", "ba78", String(repeating: "a", count: 63), String(repeating: "a", count: 65),
        String(repeating: "A", count: 64), String(repeating: "g", count: 64), String(repeating: "é", count: 32),
        " " + String(repeating: "a", count: 63),
    ])
    func `anything but 64 lower-case digits is no digest`(text: String) {
        #expect(ContentDigest(hex: text) == nil)
    }

    @Test func `a digest has 32 bytes`() {
        #expect(ContentDigest(bytes: Array(repeating: 1, count: 31)) == nil)
        #expect(ContentDigest(bytes: Array(repeating: 1, count: 33)) == nil)
        #expect(ContentDigest(bytes: Array(repeating: 1, count: 32))?.hex == String(repeating: "01", count: 32))
    }

    @Test func `a hasher that is fed piece by piece comes to the same digest and can go on`() {
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
        var hasher = ContentHasher()
        hasher.update(bytes[..<1])
        hasher.update([])
        hasher.update(Array(bytes[1..<500]))
        #expect(hasher.finalize() == ContentDigest(of: bytes[..<500]))
        hasher.update(bytes[500...])
        #expect(hasher.finalize() == ContentDigest(of: bytes))
    }

    @Test(arguments: [0, 1, 131_071, 131_072, 131_073, 400_000])
    func `a file is digested from its start to its end wherever its descriptor stands`(size: Int) throws {
        let folder = try ScratchFolder()
        let text = String(repeating: "k", count: size)
        let path = try folder.write(["file": text], to: "of").appending("file")
        let file = open(path.string, O_RDONLY)
        defer { close(file) }
        lseek(file, 7, SEEK_SET)
        #expect(try ContentDigest.ofFile(descriptor: file) == ContentDigest(of: text.utf8))
        #expect(lseek(file, 0, SEEK_CUR) == 7)
    }

    @Test func `a descriptor that cannot be read is an error`() {
        #expect(throws: DigestError.unreadable(reason: "Bad file descriptor")) {
            try ContentDigest.ofFile(descriptor: -1)
        }
    }
}
