import Glibc
import KettleError
import KettleSandbox

/// The machine can confine builds less well than the operator wants.
enum ConfinementError: UserFacingError {
    case weak([Confinement.Measure])

    var code: String { "confinement.weak" }

    var message: String {
        switch self {
        case .weak(let measures):
            "this machine cannot fully confine builds: "
                + measures.map { "\($0.name) is only \($0.grade.rawValue) (\($0.by))" }.joined(separator: "; ")
        }
    }

    var hint: String? {
        switch self {
        case .weak(let measures):
            (geteuid() == 0
                ? "start it in a control group of its own (systemd-run --scope -p Delegate=yes), with loop devices and room on "
                    + "the disk; "
                : "run the service as root, or (for memory) in a delegated control group such as systemd's Delegate=yes; ")
                + "or accept it: " + measures.map { "--allow-unconfined \($0.name)" }.joined(separator: " ")
        }
    }
}
