import ArgumentParser
import Foundation
import KettleTelemetry
import Logging

/// The options for what an operator sees of a service.
struct TelemetryOptions: ParsableArguments {
    @Option(help: Setting.help("log-format"))
    var logFormat: String?

    @Option(help: Setting.help("log-level"))
    var logLevel: String?

    @Flag(inversion: .prefixedNo, help: Setting.help("access-log"))
    var accessLog: Bool?

    /// By the names of settings.
    var flags: [String: [String]] {
        [
            "log-format": [logFormat], "log-level": [logLevel], "access-log": [accessLog.map { "\($0)" }],
        ].mapValues { $0.compactMap { $0 } }
    }
}

/// What an operator sees of a service, read once. Where traces go to is settled by OpenTelemetry's own variables
/// (OpenTelemetry specification, "Environment Variable Specification" and "OTLP Exporter"): they hold secrets, and the programs beside
/// this one have the same.
struct TelemetrySettings {
    let logFormat: ServiceLogHandler.Format
    let logLevel: Logger.Level
    let isAccessLogged: Bool
    /// Nil where no traces are collected.
    let traces: SpanExporter.Configuration?

    init(_ settings: Settings, _ environment: [String: String]) throws(SettingsError) {
        logFormat = try settings.text("log-format").flatMap { ServiceLogHandler.Format(rawValue: $0) } ?? .text
        logLevel = try settings.text("log-level").flatMap { Logger.Level(rawValue: $0) } ?? .info
        isAccessLogged = try settings.truth("access-log") ?? true
        traces = try Self.traces(environment)
    }

    private static func traces(_ environment: [String: String]) throws(SettingsError) -> SpanExporter.Configuration? {
        func variable(_ name: String) -> String? { environment[name].flatMap { $0.isEmpty ? nil : $0 } }
        guard variable("OTEL_SDK_DISABLED")?.lowercased() != "true",
            variable("OTEL_TRACES_EXPORTER") != "none"
        else { return nil }
        // The variable for traces is the whole URL, the one for every signal is a base.
        let names = ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"]
        guard let name = names.first(where: { variable($0) != nil }), var endpoint = variable(name) else { return nil }
        guard let url = URL(string: endpoint), url.host != nil, url.scheme == "https" || url.scheme == "http" else {
            throw .unusable(origin: name, text: endpoint, wanted: "a URL that begins with https:// or http://")
        }
        if name == names[1] { endpoint += endpoint.hasSuffix("/") ? "v1/traces" : "/v1/traces" }
        for name in ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"] {
            guard let text = variable(name), text != "http/json" else { continue }
            throw .unusable(origin: name, text: text, wanted: "http/json, the one that Kettle speaks")
        }
        let samplerName = variable("OTEL_TRACES_SAMPLER") ?? "parentbased_always_on"
        guard let sampler = TraceSampler(name: samplerName, argument: variable("OTEL_TRACES_SAMPLER_ARG")) else {
            throw .unusable(
                origin: "OTEL_TRACES_SAMPLER", text: samplerName,
                wanted: "one of \(TraceSampler.names.joined(separator: ", ")), with OTEL_TRACES_SAMPLER_ARG from 0 to 1"
            )
        }
        return SpanExporter.Configuration(
            endpoint: endpoint,
            headers: try headers(
                variable("OTEL_EXPORTER_OTLP_TRACES_HEADERS") ?? variable("OTEL_EXPORTER_OTLP_HEADERS") ?? ""),
            serviceName: variable("OTEL_SERVICE_NAME") ?? "kettle", version: Kettle.version, sampler: sampler)
    }

    /// `name=value,name=value`, the values percent-encoded. An error does not repeat them.
    private static func headers(_ text: String) throws(SettingsError) -> [(name: String, value: String)] {
        var headers: [(name: String, value: String)] = []
        for pair in text.split(separator: ",") {
            let parts = pair.split(separator: "=", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
            guard parts.count == 2, let value = parts[1].removingPercentEncoding,
                parts[0].utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != 0x3A }),
                value.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F })
            else {
                throw .unusable(
                    origin: "OTEL_EXPORTER_OTLP_HEADERS", text: "…",
                    wanted: "name=value pairs with commas between them, the values percent-encoded")
            }
            headers.append((parts[0], value))
        }
        return headers
    }
}
