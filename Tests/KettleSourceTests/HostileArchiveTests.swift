import KettleSource
import KettleTesting
import Testing

@Suite struct HostileArchiveTests {
    @Test(arguments: HostileNames.all)
    func `names that lead elsewhere are refused`(archive: HostileArchive) throws {
        try expectRefusal(of: archive)
    }

    @Test(arguments: HostileZIPs.all)
    func `a ZIP that lies is refused`(archive: HostileArchive) throws {
        try expectRefusal(of: archive)
    }

    @Test(arguments: HostileTars.all)
    func `a tarball that lies, or another file, is refused`(archive: HostileArchive) throws {
        try expectRefusal(of: archive)
    }

    /// The code, and that nothing stays: not the target, not a file beside it.
    private func expectRefusal(of archive: HostileArchive) throws {
        let unpacking = try Unpacking()
        let refusal = try unpacking.refusal(of: archive.bytes, within: archive.limits)
        #expect(refusal?.code == "source." + archive.code)
        #expect(try unpacking.leftovers() == [])
    }
}
