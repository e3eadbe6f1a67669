import ArgumentParser
import Foundation
import KettleProvenance

/// `kettle config`: the settings of a service, without a service.
struct ConfigCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "config",
        abstract: "Check, show and document the settings of a service.",
        subcommands: [Check.self, Show.self, Example.self, Reference.self])

    /// `kettle config check`: exits 0 when a service would take the settings, 1 when not, 2 when the file cannot be read.
    struct Check: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Say everything that is wrong with the settings.",
            discussion: """
                Takes the options, variables and file of kettle serve, and starts and makes nothing. kettle doctor looks at what \
                the machine can confine and build. Exits 0 when all is well, 1 when something is wrong, 2 when the file \
                cannot be read.
                """)

        @OptionGroup var options: ServiceOptions

        @Flag(help: "Print one JSON object.")
        var json = false

        func run() throws {
            let check = ConfigurationCheck(try options.read(), ProcessInfo.processInfo.environment)
            if json {
                Terminal.say(check.json.canonicalString())
            } else {
                for warning in check.warnings { Terminal.warn("kettle: warning: \(warning)") }
                for problem in check.problems { Terminal.report(problem) }
                if check.problems.isEmpty { Terminal.say("the configuration is usable") }
            }
            guard check.problems.isEmpty else { throw ExitCode(1) }
        }
    }

    /// `kettle config show`: what holds, and where it comes from.
    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show every setting with its value and where that comes from.",
            discussion: "Exits 1 when a value cannot be used, 2 when the file cannot be read.")

        @OptionGroup var options: ServiceOptions

        @Flag(help: "Print one JSON object.")
        var json = false

        func run() throws {
            let settings = try options.read()
            let listing = SettingsListing(settings, ProcessInfo.processInfo.environment)
            if json {
                Terminal.say(listing.json.canonicalString())
            } else {
                for line in listing.lines { Terminal.say(line) }
            }
            for problem in settings.problems { Terminal.report(problem) }
            guard settings.problems.isEmpty else { throw ExitCode(1) }
        }
    }

    /// `kettle config example`: a file with every setting, which settles nothing as it stands.
    struct Example: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print a configuration file with every setting, all of them commented out.")

        func run() { Terminal.say(SettingsDocument.example) }
    }

    /// `kettle config reference`: what docs/configuration.md says of each setting.
    struct Reference: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the settings as tables in Markdown.", shouldDisplay: false)

        func run() { Terminal.say(SettingsDocument.reference) }
    }
}
