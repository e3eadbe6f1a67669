import Glibc

/// An IPv4 or IPv6 address in its usual spelling.
package struct InternetAddress: Sendable, Hashable {
    /// 4 or 16 bytes.
    package let bytes: [UInt8]

    /// - Returns: nil for everything that `inet_pton` does not read, such as numbers in octal, short forms and zones.
    package init?(_ text: String) {
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, text, &bytes) == 1 {
            self.bytes = Array(bytes[..<4])
        } else if inet_pton(AF_INET6, text, &bytes) == 1 {
            self.bytes = bytes
        } else {
            return nil
        }
    }

    /// Resolves a name by the host's settings. Blocks.
    ///
    /// - Returns: Each address once, in the order in which they should be tried; none when the name is unknown.
    package static func lookUp(_ host: String) -> [InternetAddress] {
        var hints = addrinfo()
        hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return [] }
        defer { freeaddrinfo(list) }
        var addresses: [InternetAddress] = []
        var next = list
        while let info = next?.pointee {
            var name = [CChar](repeating: 0, count: Int(NI_MAXHOST))
            if getnameinfo(info.ai_addr, info.ai_addrlen, &name, socklen_t(name.count), nil, 0, NI_NUMERICHOST) == 0,
                let address = InternetAddress(
                    String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)),
                !addresses.contains(address)
            {
                addresses.append(address)
            }
            next = info.ai_next
        }
        return addresses
    }

    /// Whether it is reached over the public internet (IANA IPv4 and IPv6 Special-Purpose Address Registries, RFC 6890).
    package var isPublic: Bool { bytes.count == 4 ? Self.isPublic(four: bytes) : Self.isPublic(six: bytes) }

    private static func isPublic(six bytes: [UInt8]) -> Bool {
        // ::ffff:0:0/96 is IPv4 in another coat.
        if bytes.prefix(10).allSatisfy({ $0 == 0 }), bytes[10] == 0xFF, bytes[11] == 0xFF {
            return isPublic(four: Array(bytes[12...]))
        }
        // Only 2000::/3 is global unicast, which leaves out NAT64 (64:ff9b::/96), unique local and link-local addresses.
        guard bytes[0] & 0xE0 == 0x20 else { return false }
        switch (bytes[0], bytes[1], bytes[2], bytes[3]) {
        // 2001::/23, IETF protocol assignments: Teredo, benchmarking, ORCHID.
        case (0x20, 0x01, 0x00...0x01, _): return false
        // 2001:db8::/32 and 3fff::/20, documentation.
        case (0x20, 0x01, 0x0D, 0xB8), (0x3F, 0xFF, 0x00...0x0F, _): return false
        // 2002::/16, 6to4, carries an IPv4 address and is no longer in use (RFC 7526).
        case (0x20, 0x02, _, _): return false
        default: return true
        }
    }

    private static func isPublic(four bytes: [UInt8]) -> Bool {
        switch (bytes[0], bytes[1], bytes[2]) {
        // This network, private, loopback, link-local.
        case (0, _, _), (10, _, _), (127, _, _), (169, 254, _), (172, 16...31, _), (192, 168, _): false
        // Shared by carriers (RFC 6598), benchmarking (RFC 2544).
        case (100, 64...127, _), (198, 18...19, _): false
        // Protocol assignments, documentation, 6to4 relays.
        case (192, 0, 0), (192, 0, 2), (198, 51, 100), (203, 0, 113), (192, 88, 99): false
        // Multicast, reserved, broadcast.
        case (224..., _, _): false
        default: true
        }
    }
}
