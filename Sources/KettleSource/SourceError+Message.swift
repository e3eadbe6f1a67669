import KettleArchive
import KettleError

extension SourceError {
    package var message: String {
        switch self {
        case .entryTooDeep(let path, let limit): "the entry \(Self.shown(path)) lies more than \(limit) folders deep"
        case .entryNameTooLong(let path, let limit):
            "the entry \(Self.shown(path)) has a name of more than \(limit) bytes"
        case .entryPathTooLong(let path, let limit): "the path \(Self.shown(path)) is longer than \(limit) bytes"
        case .entryEscapesTree(let path): "the entry \(Self.shown(path)) points outside the source tree"
        case .entryAbsolute(let path): "the entry \(Self.shown(path)) has an absolute path"
        case .entryDuplicate(let path): "the entry \(Self.shown(path)) is listed twice"
        case .entryConflict(let path): "the entry \(Self.shown(path)) is both a folder and something else"
        case .entryThroughLink(let path): "the path of the entry \(Self.shown(path)) goes through a link"
        case .entryDotGit(let path): "the repository holds an entry \(Self.shown(path)), which git forbids"
        case .linkEscapesTree(let path, let target):
            "the link \(Self.shown(path)) to \(Self.shown(target)) points outside the source tree"
        case .linkAbsolute(let path, let target):
            "the link \(Self.shown(path)) has the absolute target \(Self.shown(target))"
        case .linkStepsExceeded(let limit):
            "links lead to one another in more than \(limit) steps"
        case .hardLinkTarget(let path, let target):
            "the hard link \(Self.shown(path)) names \(Self.shown(target)), which is not an earlier file of the archive"
        case .urlMalformed(let url): "\(Self.shown(url)) is not a URL that can be fetched"
        case .urlTooLong(let limit): "the URL is longer than \(limit) bytes"
        case .urlSchemeNotAllowed(let scheme): "URLs with the scheme \(Self.shown(scheme)) are not allowed"
        case .urlHasCredentials: "the URL holds a user name or a password"
        case .urlNotPublic(let host): "the host \(Self.shown(host)) is not on the public internet"
        case .urlOddAddress(let host): "the host \(Self.shown(host)) is an address in an unusual form"
        case .urlHostUnknown(let host): "the host \(Self.shown(host)) cannot be found"
        case .prefixInvalid(let prefix): "\(Self.shown(prefix)) cannot be a prefix of URLs to fetch"
        case .refInvalid(let ref): "\(Self.shown(ref)) cannot be the name of a branch, tag or commit"
        case .refNotFound(let ref): "the repository has no branch or tag \(Self.shown(ref))"
        case .refAbbreviated(let ref):
            "the repository has no branch or tag \(Self.shown(ref)), and it is not a full commit id"
        case .refNotCommit(let ref): "\(Self.shown(ref)) does not name a commit"
        case .commitNotFound(let commit): "the repository does not give out a commit \(Self.shown(commit))"
        case .repositoryNotFound(let url): "there is no git repository at \(Self.shown(url))"
        case .repositoryEmpty(let url): "the repository at \(Self.shown(url)) has no commits"
        case .authenticationRequired(let url): "the repository at \(Self.shown(url)) is not public, or does not exist"
        case .redirected(let url): "the repository at \(Self.shown(url)) has moved"
        case .remoteUnreachable(let url): "the server of \(Self.shown(url)) cannot be reached"
        case .fetchTimedOut(let url, let limit): "fetching \(Self.shown(url)) took longer than \(limit)"
        case .fetchTooLarge(let url): "what \(Self.shown(url)) sends is larger than a source may be"
        case .objectsInvalid(let url): "the objects that \(Self.shown(url)) sends are not valid"
        case .objectFormatUnsupported(let url): "the repository at \(Self.shown(url)) uses SHA-256 object names"
        case .treeMismatch(let expected, let actual):
            "the files have the tree id \(actual), the commit says \(expected)"
        case .submoduleWithoutURL(let path): "the submodule \(Self.shown(path)) has no URL in .gitmodules"
        case .tooManySubmodules(let limit): "the repository has more than \(limit) submodules"
        case .submoduleTooDeep(let path, let limit):
            "the submodule \(Self.shown(path)) lies more than \(limit) repositories deep"
        case .lfsNotInstalled: "the source has files in Git LFS, which this service cannot fetch"
        case .lfsUnavailable(let url): "Git LFS does not give out every file that \(Self.shown(url)) points to"
        case .lfsMismatch(let path):
            "the file \(Self.shown(path)) from Git LFS is not the one that the commit points to"
        case .gitFailed(let url, let status): "fetching \(Self.shown(url)) failed with status \(status)"
        case .diskFull: "the machine has no room left for the source"
        case .archive, .tooManyEntries, .tooLarge, .ratioExceeded, .entryNameEmpty, .entryNameHoldsNUL,
            .entryNameUnreadable,
            .entryTypeUnknown, .linkTargetInvalid, .storage:
            archiveError?.message ?? ""
        }
    }

    package var hint: String? {
        switch self {
        case .entryEscapesTree, .entryAbsolute:
            "pack the project with paths relative to its root"
        case .linkEscapesTree, .linkAbsolute:
            "replace the link by what it points to, or by a relative link inside the project"
        case .hardLinkTarget: "pack with tar --hard-dereference"
        case .urlSchemeNotAllowed: "use the https:// address of the repository"
        case .urlHasCredentials: "only public repositories can be built; leave out the user name and password"
        case .urlNotPublic, .urlOddAddress: "the operator can allow it with --allow-url"
        case .urlHostUnknown, .repositoryNotFound: "check the spelling of the URL"
        case .prefixInvalid:
            "name a scheme and a host, such as https://git.example.com/team/; a mirror is FROM=TO, and both end in a slash"
        case .refNotFound: "check the spelling; name a commit by its full id"
        case .refAbbreviated: "give all 40 digits of the commit id, as git rev-parse prints them"
        case .commitNotFound: "push the commit, or name the branch or tag that has it"
        case .authenticationRequired: "only public repositories can be built"
        case .redirected: "use the address that the repository has now"
        case .remoteUnreachable: "try again later"
        case .objectsInvalid, .treeMismatch: "run git fsck on the repository"
        case .objectFormatUnsupported: "send the source as an archive"
        case .lfsNotInstalled: "the operator can install git-lfs; an archive may hold the files themselves"
        case .lfsUnavailable: "push the files with git lfs push --all, to the server beside the repository"
        case .lfsMismatch: "run git lfs fsck on the repository"
        case .submoduleWithoutURL: "add the submodule with git submodule add, and commit .gitmodules"
        case .diskFull: "try again later, or tell the operator"
        default: archiveError?.hint
        }
    }
}
