package import KettleArchive
import KettleError

/// Why a source could not be taken in.
package enum SourceError: UserFacingError, Equatable {
    /// The archive is refused for its form.
    case archive(ArchiveError)

    // MARK: Limits

    case tooManyEntries(limit: Int)
    case tooLarge(limitInBytes: Int64)
    /// The source is far larger than its archive, as in an archive made to fill a disk.
    case ratioExceeded(limit: Int64)
    case entryTooDeep(path: String, limit: Int)
    case entryNameTooLong(path: String, limitInBytes: Int)
    case entryPathTooLong(path: String, limitInBytes: Int)

    // MARK: Entries

    /// A path has a component `..`.
    case entryEscapesTree(path: String)
    case entryAbsolute(path: String)
    case entryNameEmpty
    case entryNameHoldsNUL(path: String)
    /// A name cannot be converted from the encoding that the archive names.
    case entryNameUnreadable
    case entryDuplicate(path: String)
    /// One entry is a file or link where another needs a folder.
    case entryConflict(path: String)
    case entryThroughLink(path: String)
    case entryTypeUnknown(path: String)
    /// A git tree holds an entry called `.git`.
    case entryDotGit(path: String)
    case linkEscapesTree(path: String, target: String)
    case linkAbsolute(path: String, target: String)
    /// A link's target is empty, too long, or holds a NUL; or it is deflated, which no usual program does to some bytes.
    case linkTargetInvalid(path: String)
    /// The links lead to one another on ways too long to follow.
    case linkStepsExceeded(limit: Int)
    /// A hard link to something that is not an earlier file of the same archive.
    case hardLinkTarget(path: String, target: String)

    // MARK: URLs

    case urlMalformed(url: String)
    case urlTooLong(limitInBytes: Int)
    case urlSchemeNotAllowed(scheme: String)
    case urlHasCredentials
    /// An address or a host name that does not belong to the public internet.
    case urlNotPublic(host: String)
    /// An IPv4 address written as one number, in octal or in hexadecimal.
    case urlOddAddress(host: String)
    case urlHostUnknown(host: String)
    /// An operator's prefix that is not a URL of the form that git could fetch from.
    case prefixInvalid(prefix: String)

    // MARK: Git

    case refInvalid(ref: String)
    case refNotFound(ref: String)
    /// The ref looks like the beginning of a commit id.
    case refAbbreviated(ref: String)
    /// The ref names something that is not a commit.
    case refNotCommit(ref: String)
    case commitNotFound(commit: String)
    case repositoryNotFound(url: String)
    case repositoryEmpty(url: String)
    case authenticationRequired(url: String)
    case redirected(url: String)
    case remoteUnreachable(url: String)
    case fetchTimedOut(url: String, limit: String)
    case fetchTooLarge(url: String)
    /// What the remote sent is not what git's rules or the commit's id say.
    case objectsInvalid(url: String)
    /// The repository names its objects by SHA-256.
    case objectFormatUnsupported(url: String)
    /// The files, once written, do not have the commit's tree id.
    case treeMismatch(expected: String, actual: String)
    case submoduleWithoutURL(path: String)
    case tooManySubmodules(limit: Int)
    case submoduleTooDeep(path: String, limit: Int)
    /// The source has files in Git LFS, and git-lfs is not here to fetch them.
    case lfsNotInstalled
    /// The Git LFS server does not give out every file that the commit points to.
    case lfsUnavailable(url: String)
    /// What Git LFS brought is not what the commit's pointer says.
    case lfsMismatch(path: String)
    /// git ended in a way that nothing above describes.
    case gitFailed(url: String, status: Int32)

    // MARK: This machine

    case diskFull
    /// A system call failed on Kettle's own files; the number is `errno`.
    case storage(errno: Int32)
}

extension SourceError {
    /// An archive's fault; what another source could have too is told in the same way for all.
    init(_ error: ArchiveError) {
        self =
            switch error {
            case .tooManyEntries(let limit): .tooManyEntries(limit: limit)
            case .tooLarge(let limit): .tooLarge(limitInBytes: limit)
            case .ratioExceeded(let limit): .ratioExceeded(limit: limit)
            case .entryNameEmpty: .entryNameEmpty
            case .entryNameHoldsNUL(let path): .entryNameHoldsNUL(path: path)
            case .entryNameUnreadable: .entryNameUnreadable
            case .entryTypeUnknown(let path): .entryTypeUnknown(path: path)
            case .linkTargetInvalid(let path): .linkTargetInvalid(path: path)
            case .storage(let number): .storage(errno: number)
            default: .archive(error)
            }
    }

    /// The same in an archive's words.
    var archiveError: ArchiveError? {
        switch self {
        case .archive(let error): error
        case .tooManyEntries(let limit): .tooManyEntries(limit: limit)
        case .tooLarge(let limit): .tooLarge(limitInBytes: limit)
        case .ratioExceeded(let limit): .ratioExceeded(limit: limit)
        case .entryNameEmpty: .entryNameEmpty
        case .entryNameHoldsNUL(let path): .entryNameHoldsNUL(path: path)
        case .entryNameUnreadable: .entryNameUnreadable
        case .entryTypeUnknown(let path): .entryTypeUnknown(path: path)
        case .linkTargetInvalid(let path): .linkTargetInvalid(path: path)
        case .storage(let number): .storage(errno: number)
        default: nil
        }
    }
}

/// Reads an archive, in the terms of a source.
func reading<Value>(_ body: () throws(ArchiveError) -> Value) throws(SourceError) -> Value {
    do throws(ArchiveError) {
        return try body()
    } catch {
        throw SourceError(error)
    }
}
