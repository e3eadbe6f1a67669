import Foundation
import KettleArchive
import KettleSource
import KettleTesting
import Testing

/// Good archives with one byte changed, or cut off at one place: all of them, byte by byte.
@Suite struct DamagedArchiveTests {
    private static let zip = PackedZIP(.init("a", "boo\n"), .init("b/c", "hoo\n", mode: 0o100755), .link("l", to: "a"))
        .bytes
    /// Without the blocks of zeros, which are many bytes with one meaning.
    private static let tar = PackedTar.gzip(PackedTar(.init("a", "boo\n")).blocks)

    @Test(arguments: [ArchiveFormat.zip, .tarGzip])
    func `an archive cut off anywhere is refused`(format: ArchiveFormat) throws {
        let bytes = format == .zip ? Self.zip : Self.tar
        let unpacking = try Unpacking()
        for count in bytes.indices {
            let refusal = try unpacking.refusal(of: Array(bytes[..<count]))
            #expect(
                refusal == .archive(.cutOff) || (refusal == .archive(.notAnArchive) && count < 4), "cut off at \(count)"
            )
            #expect(try unpacking.leftovers() == [], "cut off at \(count)")
        }
    }

    /// RFC 1952, section 2.3.1: time at 4, extra flags at 8, system at 9; nobody is misled by them. FTEXT, bit 0 at 3, is
    /// flipped along with reserved bits here.
    @Test func `a tarball with any byte changed is refused`() throws {
        let unpacking = try Unpacking()
        for index in Self.tar.indices where !(4...9).contains(index) {
            var bytes = Self.tar
            bytes[index] ^= 0xFF
            try expectRefusal(by: unpacking, of: bytes, "byte \(index)")
        }
    }

    /// What a ZIP repeats or covers by a checksum cannot change. Versions, times and attributes can.
    @Test func `a ZIP with a byte changed that says what a file is called or holds is refused`() throws {
        let unpacking = try Unpacking()
        var entry = 0
        var place = 0
        for name in [1, 3, 1] {
            let content = entry == 2 ? 1 : 4
            // Local header: signature, method, checksum, sizes, lengths, name; then the data.
            for offset in Array(0..<4) + Array(8..<10) + Array(14..<(30 + name + content)) {
                try expectRefusal(by: unpacking, of: Self.changed(at: place + offset), "entry \(entry), byte \(offset)")
            }
            place += 30 + name + content
            entry += 1
        }
        for name in [1, 3, 1] {
            // Directory: signature, method, checksum, sizes, lengths, disk, offset, name.
            for offset in Array(0..<4) + Array(10..<12) + Array(16..<36) + Array(42..<(46 + name)) {
                try expectRefusal(
                    by: unpacking, of: Self.changed(at: place + offset), "directory, entry at \(place), byte \(offset)")
            }
            place += 46 + name
        }
        // The end record, whole.
        for offset in place..<Self.zip.count {
            try expectRefusal(by: unpacking, of: Self.changed(at: offset), "end record, byte \(offset - place)")
        }
        #expect(Self.zip.count - place == 22)
    }

    private static func changed(at index: Int) -> [UInt8] {
        var bytes = zip
        bytes[index] ^= 0xFF
        return bytes
    }

    private func expectRefusal(by unpacking: Unpacking, of bytes: [UInt8], _ place: Comment) throws {
        #expect(try unpacking.refusal(of: bytes) != nil, place)
        #expect(try unpacking.leftovers() == [], place)
    }
}
