import ArgumentParser

/// Which images may have built, beside the launch digests that are named one by one, for every command that judges bundles.
struct ImageOptions: ParsableArguments {
    @Flag(help: "Accept hardware evidence of any measurement: any machine of that kind could have signed.")
    var anyMeasurement = false

    @Option(
        help: ArgumentHelp(
            "A list of the images that may have built (docs/policy.md). May be repeated.", valueName: "file"),
        completion: .file())
    var measurements: [String] = []

    @Option(
        help: ArgumentHelp(
            "A key that may have signed the lists of images: its public half as a PEM file, or its SHA-256 fingerprint. May be repeated.",
            valueName: "file or hex"))
    var measurementsKey: [String] = []
}

extension ImageOptions {
    /// Takes these options out of a plain command line. Each has to be here.
    static func plain(_ line: inout PlainArguments) -> ImageOptions {
        var options = ImageOptions()
        options.anyMeasurement = line.flag("--any-measurement")
        options.measurements = line.options("--measurements")
        options.measurementsKey = line.options("--measurements-key")
        return options
    }
}
