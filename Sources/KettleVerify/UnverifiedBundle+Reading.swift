import Glibc

extension UnverifiedBundle {
    /// Reads a bundle from a folder, a ZIP or a tar.gz, told by its content and not by its name. Blocks until it is read.
    ///
    /// - Throws: ``BundleError``; ``BundleError/isTheBundlesFault`` tells a bad bundle from one that cannot be reached.
    public init(at path: String, limits: BundleLimits = .standard) throws(BundleError) {
        // O_NONBLOCK: a FIFO in the bundle's place must not hang the verifier.
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else { throw .unreadable(reason: String(cString: strerror(errno))) }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw .unreadable(reason: String(cString: strerror(errno))) }
        var collector = BundleCollector(limits: limits)
        switch status.st_mode & S_IFMT {
        case S_IFDIR: try BundleFolder.read(file, into: &collector)
        case S_IFREG: try BundleArchive.read(file, into: &collector)
        default: throw .notABundle
        }
        self = collector.bundle()
    }
}
