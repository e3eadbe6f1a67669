/// What is kept of ended builds; nil keeps everything.
///
/// A build that goes keeps its statement, its evidence and what they name by digest: who has an artifact of it can still check
/// where it came from.
package struct Retention: Sendable, Hashable {
    /// From the end of a build.
    package var age: Duration?
    /// How many builds keep their files.
    package var builds: Int?
    /// What the files of all builds together may take. An artifact that several builds made counts for each.
    package var bytes: Int64?

    package init(age: Duration? = nil, builds: Int? = nil, bytes: Int64? = nil) {
        self.age = age
        self.builds = builds
        self.bytes = bytes
    }

    var isEverything: Bool { age == nil && builds == nil && bytes == nil }
}
