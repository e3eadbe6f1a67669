import Testing

@testable import KettleClient

@Suite struct ServiceAddressTests {
    @Test(arguments: [
        ("https://kettle.example", "https://kettle.example/v1/health"),
        ("https://Kettle.Example/", "https://kettle.example/v1/health"),
        ("https://kettle.example:8443/api/", "https://kettle.example:8443/api/health"),
        ("https://kettle.example:443", "https://kettle.example/v1/health"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/v1/health"),
        ("http://localhost", "http://localhost/v1/health"),
        ("http://[::1]:8080", "http://[::1]:8080/v1/health"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]/v1/health"),
    ])
    func `an address is a scheme, a host and perhaps a port and a prefix`(text: String, route: String) throws {
        #expect(try ServiceAddress(text).url("/health") == route)
    }

    @Test(arguments: [
        "", "kettle.example", "ftp://kettle.example", "https://", "https:///v1", "https://a:b@kettle.example",
        "https://kettle.example?x", "https://kettle.example#x", "https://kettle.example:0",
        "https://kettle.example:99999",
        "https://kettle example", "https://kettle.example/a\r\nHost: b", "https://kétt.example", "file:///etc/passwd",
    ])
    func `anything else is refused`(text: String) {
        #expect(throws: ServiceError.self) { try ServiceAddress(text) }
    }

    @Test(arguments: [
        "http://kettle.example", "http://10.0.0.1", "http://128.0.0.1", "http://127.0.0.1.example",
        "http://localhost.example",
        "http://[::2]", "http://0.0.0.0", "http://127.1", "http://127.0.0.256",
    ])
    func `plain HTTP goes to no other machine`(text: String) {
        #expect(throws: ServiceError.self) { try ServiceAddress(text) }
    }
}
