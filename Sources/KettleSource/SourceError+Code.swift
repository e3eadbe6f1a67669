import KettleArchive
import KettleError

extension SourceError {
    package var code: String { archiveError?.code ?? "source." + name }

    /// Empty for what an archive says in its own words.
    private var name: String {
        switch self {
        case .entryTooDeep: "entry_too_deep"
        case .entryNameTooLong: "entry_name_too_long"
        case .entryPathTooLong: "entry_path_too_long"
        case .entryEscapesTree: "entry_escapes_tree"
        case .entryAbsolute: "entry_absolute"
        case .entryDuplicate: "entry_duplicate"
        case .entryConflict: "entry_conflict"
        case .entryThroughLink: "entry_through_link"
        case .entryDotGit: "entry_dot_git"
        case .linkEscapesTree: "link_escapes_tree"
        case .linkAbsolute: "link_absolute"
        case .linkStepsExceeded: "link_steps_exceeded"
        case .hardLinkTarget: "hard_link_target"
        case .urlMalformed: "url_malformed"
        case .urlTooLong: "url_too_long"
        case .urlSchemeNotAllowed: "url_scheme_not_allowed"
        case .urlHasCredentials: "url_has_credentials"
        case .urlNotPublic: "url_not_public"
        case .urlOddAddress: "url_odd_address"
        case .urlHostUnknown: "url_host_unknown"
        case .prefixInvalid: "prefix_invalid"
        case .refInvalid: "ref_invalid"
        case .refNotFound: "ref_not_found"
        case .refAbbreviated: "ref_abbreviated"
        case .refNotCommit: "ref_not_commit"
        case .commitNotFound: "commit_not_found"
        case .repositoryNotFound: "repository_not_found"
        case .repositoryEmpty: "repository_empty"
        case .authenticationRequired: "authentication_required"
        case .redirected: "redirected"
        case .remoteUnreachable: "remote_unreachable"
        case .fetchTimedOut: "fetch_timed_out"
        case .fetchTooLarge: "fetch_too_large"
        case .objectsInvalid: "objects_invalid"
        case .objectFormatUnsupported: "object_format_unsupported"
        case .treeMismatch: "tree_mismatch"
        case .submoduleWithoutURL: "submodule_without_url"
        case .tooManySubmodules: "too_many_submodules"
        case .submoduleTooDeep: "submodule_too_deep"
        case .lfsNotInstalled: "lfs_not_installed"
        case .lfsUnavailable: "lfs_unavailable"
        case .lfsMismatch: "lfs_mismatch"
        case .gitFailed: "git_failed"
        case .diskFull: "disk_full"
        case .archive, .tooManyEntries, .tooLarge, .ratioExceeded, .entryNameEmpty, .entryNameHoldsNUL,
            .entryNameUnreadable,
            .entryTypeUnknown, .linkTargetInvalid, .storage:
            ""
        }
    }

    /// Whether the machine is at fault and not the source.
    package var isKettlesFault: Bool {
        switch self {
        case .diskFull, .storage: true
        default: false
        }
    }
}
