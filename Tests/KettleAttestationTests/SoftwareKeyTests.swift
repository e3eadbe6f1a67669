import Glibc
import KettleAttestation
import KettleProvenance
import KettleTesting
import SystemPackage
import Testing

@Suite struct SoftwareKeyTests {
    private let folder: ScratchFolder
    private let path: FilePath

    init() throws {
        folder = try ScratchFolder()
        path = folder.path.appending("software-key.pem")
    }

    private func mode(of path: FilePath) -> mode_t {
        var status = stat()
        return lstat(path.string, &status) == 0 ? status.st_mode : 0
    }

    @Test func `a key is made once, for its owner alone, and found again`() throws {
        let created = try SoftwareKey.loadOrCreate(at: path.string)
        #expect(mode(of: path) == S_IFREG | 0o600)
        let found = try SoftwareKey.loadOrCreate(at: path.string)
        #expect(found.fingerprint == created.fingerprint)
        #expect(try SoftwarePublicKey(pem: created.publicKeyPEM).fingerprint == created.fingerprint)
    }

    @Test func `nothing but the key is left in the folder`() throws {
        _ = try SoftwareKey.loadOrCreate(at: path.string)
        let listing = try #require(opendir(folder.path.string))
        defer { closedir(listing) }
        var count = 0
        while readdir(listing) != nil { count += 1 }
        #expect(count == 3)
    }

    @Test func `those who start at once agree on one key`() async throws {
        let path = path.string
        let fingerprints = try await withThrowingTaskGroup(of: ContentDigest.self) { group in
            for _ in 0..<16 { group.addTask { try SoftwareKey.loadOrCreate(at: path).fingerprint } }
            return try await group.reduce(into: Set<ContentDigest>()) { $0.insert($1) }
        }
        #expect(fingerprints.count == 1)
    }

    @Test(arguments: [0o644, 0o640, 0o604, 0o620, 0o610, 0o602] as [mode_t])
    func `a key that others may use is refused`(mode: mode_t) throws {
        _ = try SoftwareKey.loadOrCreate(at: path.string)
        chmod(path.string, mode)
        #expect(throws: SoftwareKeyError.readableByOthers(mode: mode)) {
            try SoftwareKey.loadOrCreate(at: path.string)
        }
    }

    @Test(.enabled(if: geteuid() == 0, "only root can give a file away"))
    func `a key of another user is refused`() throws {
        _ = try SoftwareKey.loadOrCreate(at: path.string)
        chown(path.string, 4711, 4711)
        #expect(throws: SoftwareKeyError.ownedByAnother(userID: 4711)) {
            try SoftwareKey.loadOrCreate(at: path.string)
        }
    }

    @Test func `a link, a folder and a pipe are refused`() throws {
        let elsewhere = folder.path.appending("elsewhere").string
        _ = try SoftwareKey.loadOrCreate(at: elsewhere)
        symlink(elsewhere, path.string)
        #expect(throws: SoftwareKeyError.self) { try SoftwareKey.loadOrCreate(at: path.string) }
        unlink(path.string)
        // A link to nothing must not have a key made behind it.
        symlink(folder.path.appending("nothing").string, path.string)
        #expect(throws: SoftwareKeyError.self) { try SoftwareKey.loadOrCreate(at: path.string) }
        unlink(path.string)
        mkfifo(path.string, 0o600)
        #expect(throws: SoftwareKeyError.notAFile) { try SoftwareKey.loadOrCreate(at: path.string) }
        unlink(path.string)
        mkdir(path.string, 0o700)
        #expect(throws: SoftwareKeyError.notAFile) { try SoftwareKey.loadOrCreate(at: path.string) }
    }

    @Test(arguments: ["", "nonsense", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
    func `a file that is no key is refused and kept`(text: String) throws {
        let file = try folder.write(["key": text], to: "broken").appending("key")
        chmod(file.string, 0o600)
        #expect(throws: SoftwareKeyError.malformed) { try SoftwareKey.loadOrCreate(at: file.string) }
        #expect(mode(of: file) == S_IFREG | 0o600)
    }

    @Test func `a key too long to be one is refused`() throws {
        let text = try SoftwareKey.loadOrCreate(at: path.string).publicKeyPEM
        let file = try folder.write(["key": text + String(repeating: "\n", count: 20_000)], to: "long").appending("key")
        chmod(file.string, 0o600)
        #expect(throws: SoftwareKeyError.malformed) { try SoftwareKey.loadOrCreate(at: file.string) }
    }

    @Test func `a folder that is not there is an error`() {
        #expect(throws: SoftwareKeyError.cannotCreate(reason: "No such file or directory")) {
            try SoftwareKey.loadOrCreate(at: folder.path.appending("missing/key.pem").string)
        }
    }
}
