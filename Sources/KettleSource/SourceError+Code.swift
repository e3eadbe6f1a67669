extension SourceError {
    package var code: String { "source." + name }

    private var name: String {
        switch self {
        case .notAnArchive: "not_an_archive"
        case .emptyArchive: "empty_archive"
        case .encrypted: "encrypted"
        case .directoryEncrypted: "directory_encrypted"
        case .cutOff: "cut_off"
        case .malformedArchive: "malformed_archive"
        case .trailingBytes: "trailing_bytes"
        case .compressionUnsupported: "compression_unsupported"
        case .entryAmbiguous: "entry_ambiguous"
        case .entriesOverlap: "entries_overlap"
        case .tooManyEntries: "too_many_entries"
        case .tooLarge: "too_large"
        case .ratioExceeded: "ratio_exceeded"
        case .entryTooDeep: "entry_too_deep"
        case .entryNameTooLong: "entry_name_too_long"
        case .entryPathTooLong: "entry_path_too_long"
        case .entryEscapesTree: "entry_escapes_tree"
        case .entryAbsolute: "entry_absolute"
        case .entryNameEmpty: "entry_name_empty"
        case .entryNameHoldsNUL: "entry_name_nul"
        case .entryNameHoldsBackslash: "entry_name_backslash"
        case .entryNameUnreadable: "entry_name_unreadable"
        case .entryDuplicate: "entry_duplicate"
        case .entryConflict: "entry_conflict"
        case .entryThroughLink: "entry_through_link"
        case .entryDevice: "entry_device"
        case .entryFIFO: "entry_fifo"
        case .entrySocket: "entry_socket"
        case .entryTypeUnknown: "entry_type_unknown"
        case .entryDotGit: "entry_dot_git"
        case .linkEscapesTree: "link_escapes_tree"
        case .linkAbsolute: "link_absolute"
        case .linkTargetInvalid: "link_target_invalid"
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
        case .storage: "storage"
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
