import KettleAttestation

/// What the pages say of a platform, for people who know no report formats.
struct PlatformWords: Sendable {
    /// Fits "… sign what came from what".
    let signer: String
    /// What its evidence shows.
    let explanation: String
    /// What `kettle verify` has to be told beside the bundle.
    let options: String
    /// Where that comes from.
    let hint: String

    /// - Parameter platform: nil where nobody signs.
    init(_ platform: Platform?) {
        switch platform {
        case nil:
            signer = "nobody"
            explanation =
                "Nobody: this service has neither trusted hardware nor a key. The statement is a claim."
            options = ""
            hint =
                "This service signs nothing: the bundle shows that its files belong together, and not whose they are."
        case .software:
            signer = "a key of this service"
            explanation =
                "A software key signed the statement. That shows which service made it, and nothing of the machine: it is "
                + "worth as much as the key is kept."
            options = " --software-key software-key.pub.pem"
            hint =
                "The key file comes from the service's operator, by a way that you trust; a service cannot vouch for its own key."
        case .snp, .azureSNP, .tdx, .azureTDX:
            let (maker, name) =
                platform == .snp || platform == .azureSNP ? ("AMD", "AMD SEV-SNP") : ("Intel", "Intel TDX")
            signer = "the machine's trusted hardware (\(name))"
            explanation =
                "\(name) signed a report that holds the statement's digest. The report is signed by a key that \(maker) has "
                + "certified for this one chip, and names what the machine was started with (the measurement): trust in it is "
                + "trust in \(maker) and in that measurement."
            options = " --measurement MEASUREMENT"
            hint =
                "MEASUREMENT is the launch digest of a Kettle image that you trust. With --any-measurement instead, the check says "
                + "that some machine of its kind signed."
        }
    }
}
