import Foundation
import Glibc

/// What the kernel knows of this process, under the names that Prometheus clients give it.
package enum ProcessMetrics {
    /// Has a registry look it up whenever it is read.
    package static func add(to registry: MetricsRegistry, version: String) {
        registry.set("kettle_build_info", [("version", version)], to: 1)
        if let started { registry.set("process_start_time_seconds", to: started) }
        registry.beforeReading { [weak registry] in
            guard let registry else { return }
            if let memory { registry.set("process_resident_memory_bytes", to: memory) }
            if let descriptors { registry.set("process_open_fds", to: Double(descriptors)) }
            var limit = rlimit()
            if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 {
                registry.set("process_max_fds", to: Double(limit.rlim_cur))
            }
            var usage = rusage()
            if getrusage(RUSAGE_SELF.rawValue, &usage) == 0 {
                registry.set("process_cpu_seconds_total", to: seconds(usage.ru_utime) + seconds(usage.ru_stime))
            }
        }
    }

    /// Resident pages times their size (proc(5), `/proc/pid/statm`, the second field).
    private static var memory: Double? {
        guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8) else { return nil }
        let fields = text.split(separator: " ")
        guard fields.count > 1, let pages = Double(fields[1]) else { return nil }
        return pages * Double(sysconf(CInt(_SC_PAGESIZE)))
    }

    private static var descriptors: Int? {
        // One of them is the folder's own.
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")).map { max(0, $0.count - 1) }
    }

    /// In clock ticks since boot (proc(5), `/proc/pid/stat`, field 22), with the time of boot from `/proc/stat`.
    private static var started: Double? {
        guard let stat = try? String(contentsOfFile: "/proc/self/stat", encoding: .utf8),
            // The second field is the program's name in parentheses, and may hold blanks.
            let fields = stat.split(separator: ")").last?.split(separator: " "), fields.count > 19,
            let ticks = Double(fields[19]),
            let kernel = try? String(contentsOfFile: "/proc/stat", encoding: .utf8),
            let line = kernel.split(separator: "\n").first(where: { $0.hasPrefix("btime ") }),
            let boot = Double(line.dropFirst("btime ".count))
        else { return nil }
        return boot + ticks / Double(sysconf(CInt(_SC_CLK_TCK)))
    }

    private static func seconds(_ time: timeval) -> Double { Double(time.tv_sec) + Double(time.tv_usec) / 1e6 }
}
