import Foundation
import SystemPackage

/// Size and owner of a file; of a link, its own.
///
/// By Foundation: NIO brings a module that has `struct stat` too, and the compiler then asks for its import.
func attributes(of path: FilePath) throws -> (size: Int?, user: UInt32?, group: UInt32?) {
    let attributes = try FileManager.default.attributesOfItem(atPath: path.string)
    let number = { (key: FileAttributeKey) in (attributes[key] as? NSNumber)?.intValue }
    return (
        number(.size), number(.ownerAccountID).flatMap { UInt32(exactly: $0) },
        number(.groupOwnerAccountID).flatMap { UInt32(exactly: $0) }
    )
}
