import Glibc

/// Whether only this machine reaches what is at a host.
package enum LoopbackHost {
    /// - Parameter host: A name or an address, without the brackets of IPv6. Of the names only `localhost` is one: a resolver
    ///   may say something else of any other tomorrow.
    package static func contains(_ host: String) -> Bool {
        var four = in_addr()
        if inet_pton(AF_INET, host, &four) == 1 { return UInt32(bigEndian: four.s_addr) >> 24 == 127 }
        return host == "::1" || host == "localhost"
    }
}
