extension SourceError {
    package var message: String {
        switch self {
        case .notAnArchive: "the source is neither a ZIP nor a tar.gz archive"
        case .emptyArchive: "the archive is empty"
        case .encrypted(let path): "the entry \(shown(path)) is encrypted"
        case .directoryEncrypted: "the archive's list of files is encrypted"
        case .cutOff: "the archive ends before it is complete"
        case .malformedArchive: "the archive is damaged"
        case .trailingBytes: "the file goes on after the end of the archive"
        case .compressionUnsupported(let path):
            "the entry \(shown(path)) is compressed with something other than deflate"
        case .entryAmbiguous(let path): "the archive says two different things about the entry \(shown(path))"
        case .entriesOverlap: "entries of the archive overlap"
        case .tooManyEntries(let limit): "the source has more than \(limit) files and folders"
        case .tooLarge(let limit): "the source is larger than \(limit) bytes"
        case .ratioExceeded(let limit): "the source is more than \(limit) times larger than its archive"
        case .entryTooDeep(let path, let limit): "the entry \(shown(path)) lies more than \(limit) folders deep"
        case .entryNameTooLong(let path, let limit): "the entry \(shown(path)) has a name of more than \(limit) bytes"
        case .entryPathTooLong(let path, let limit): "the path \(shown(path)) is longer than \(limit) bytes"
        case .entryEscapesTree(let path): "the entry \(shown(path)) points outside the source tree"
        case .entryAbsolute(let path): "the entry \(shown(path)) has an absolute path"
        case .entryNameEmpty: "an entry has no name"
        case .entryNameHoldsNUL(let path): "the name of the entry \(shown(path)) holds a NUL"
        case .entryNameHoldsBackslash(let path): "the name of the entry \(shown(path)) holds a backslash"
        case .entryNameUnreadable: "the name of an entry cannot be read"
        case .entryDuplicate(let path): "the entry \(shown(path)) is there twice"
        case .entryConflict(let path): "the entry \(shown(path)) is both a folder and something else"
        case .entryThroughLink(let path): "the path of the entry \(shown(path)) goes through a link"
        case .entryDevice(let path): "the entry \(shown(path)) is a device"
        case .entryFIFO(let path): "the entry \(shown(path)) is a named pipe"
        case .entrySocket(let path): "the entry \(shown(path)) is a socket"
        case .entryTypeUnknown(let path): "the entry \(shown(path)) is neither a file, a folder nor a link"
        case .entryDotGit(let path): "the repository holds an entry \(shown(path)), which git forbids"
        case .linkEscapesTree(let path, let target):
            "the link \(shown(path)) to \(shown(target)) points outside the source tree"
        case .linkAbsolute(let path, let target): "the link \(shown(path)) has the absolute target \(shown(target))"
        case .linkTargetInvalid(let path):
            "the target of the link \(shown(path)) is empty, too long, compressed or not a path"
        case .linkStepsExceeded(let limit):
            "the links lead to one another on ways of more than \(limit) steps"
        case .hardLinkTarget(let path, let target):
            "the hard link \(shown(path)) names \(shown(target)), which is no earlier file of the archive"
        case .urlMalformed(let url): "\(shown(url)) is not a URL that can be fetched"
        case .urlTooLong(let limit): "the URL is longer than \(limit) bytes"
        case .urlSchemeNotAllowed(let scheme): "URLs with the scheme \(shown(scheme)) are not allowed"
        case .urlHasCredentials: "the URL holds a user name or a password"
        case .urlNotPublic(let host): "the host \(shown(host)) is not on the public internet"
        case .urlOddAddress(let host): "the host \(shown(host)) is an address in an unusual form"
        case .urlHostUnknown(let host): "the host \(shown(host)) cannot be found"
        case .prefixInvalid(let prefix): "\(shown(prefix)) cannot be a prefix of URLs to fetch"
        case .refInvalid(let ref): "\(shown(ref)) cannot be the name of a branch, tag or commit"
        case .refNotFound(let ref): "the repository has no branch or tag \(shown(ref))"
        case .refAbbreviated(let ref): "the repository has no branch or tag \(shown(ref)), and it is no whole commit id"
        case .refNotCommit(let ref): "\(shown(ref)) does not name a commit"
        case .commitNotFound(let commit): "the repository does not give out a commit \(shown(commit))"
        case .repositoryNotFound(let url): "there is no git repository at \(shown(url))"
        case .repositoryEmpty(let url): "the repository at \(shown(url)) has no commits"
        case .authenticationRequired(let url): "the repository at \(shown(url)) is not public, or does not exist"
        case .redirected(let url): "the repository at \(shown(url)) has moved"
        case .remoteUnreachable(let url): "the server of \(shown(url)) cannot be reached"
        case .fetchTimedOut(let url, let limit): "fetching \(shown(url)) took longer than \(limit)"
        case .fetchTooLarge(let url): "what \(shown(url)) sends is larger than a source may be"
        case .objectsInvalid(let url): "the objects that \(shown(url)) sends are not valid"
        case .objectFormatUnsupported(let url): "the repository at \(shown(url)) uses SHA-256 object names"
        case .treeMismatch(let expected, let actual):
            "the files have the tree id \(actual), the commit says \(expected)"
        case .submoduleWithoutURL(let path): "the submodule \(shown(path)) has no URL in .gitmodules"
        case .tooManySubmodules(let limit): "the repository has more than \(limit) submodules"
        case .submoduleTooDeep(let path, let limit):
            "the submodule \(shown(path)) lies more than \(limit) repositories deep"
        case .lfsNotInstalled: "the source has files in Git LFS, which this service cannot fetch"
        case .lfsUnavailable(let url): "Git LFS does not give out every file that \(shown(url)) points to"
        case .lfsMismatch(let path): "the file \(shown(path)) from Git LFS is not the one that the commit points to"
        case .gitFailed(let url, let status): "fetching \(shown(url)) failed with status \(status)"
        case .diskFull: "the machine has no room left for the source"
        case .storage(let number): "the source could not be stored (system error \(number))"
        }
    }

    package var hint: String? {
        switch self {
        case .notAnArchive: "pack the project with zip -r, git archive or tar -czf"
        case .emptyArchive: "pack the project's folder and send that"
        case .encrypted, .directoryEncrypted: "pack the project without a password"
        case .cutOff: "send the archive again; the file or its upload was interrupted"
        case .malformedArchive, .trailingBytes, .entryAmbiguous, .entriesOverlap:
            "pack the project again, with zip or tar"
        case .compressionUnsupported: "pack the project with zip -r, which stores and deflates"
        case .tooManyEntries, .tooLarge, .ratioExceeded: "leave out what the build does not need, such as target/"
        case .entryEscapesTree, .entryAbsolute, .entryNameHoldsNUL, .entryNameEmpty:
            "pack the project with paths relative to its root"
        case .entryNameHoldsBackslash: "pack with a program that writes forward slashes, such as zip, 7z or tar -a"
        case .entryNameUnreadable: "use UTF-8 for the names of files"
        case .linkEscapesTree, .linkAbsolute:
            "replace the link by what it points to, or by a relative link inside the project"
        case .hardLinkTarget: "pack with tar --hard-dereference"
        case .urlSchemeNotAllowed: "use the https:// address of the repository"
        case .urlHasCredentials: "only public repositories can be built; leave out the user name and password"
        case .urlNotPublic, .urlOddAddress: "the operator can allow it with --allow-url"
        case .urlHostUnknown, .repositoryNotFound: "check the spelling of the URL"
        case .prefixInvalid: "name a scheme and a host, such as https://git.example.com/team/"
        case .refNotFound: "check the spelling; a commit is named by its whole id"
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
        case .diskFull, .storage: "try again later, or tell the operator"
        default: nil
        }
    }

    /// A value of the source inside a message: short, and harmless on a terminal.
    private func shown(_ value: String) -> String {
        var text = "\""
        for scalar in value.unicodeScalars.prefix(200) {
            switch scalar.properties.generalCategory {
            case .control, .format, .surrogate, .lineSeparator, .paragraphSeparator, .unassigned, .privateUse:
                text.unicodeScalars.append("\u{FFFD}")
            default: text.unicodeScalars.append(scalar)
            }
        }
        return text + (value.unicodeScalars.count > 200 ? "…\"" : "\"")
    }
}
