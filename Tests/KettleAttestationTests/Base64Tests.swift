import KettleAttestation
import Testing

@Suite struct Base64Tests {
    /// RFC 4648 section 10, and all letters.
    @Test(arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"), ("\u{FB}\u{FF}~?>", "w7vDv34/Pg=="),
    ])
    func `bytes have one text and the text has these bytes`(plain: String, encoded: String) {
        #expect(Base64.encode(Array(plain.utf8)) == encoded)
        #expect(Base64.decode(encoded) == Array(plain.utf8))
    }

    @Test(arguments: [("", ""), ("f", "Zg"), ("fo", "Zm8"), ("foo", "Zm9v"), ("\u{FB}\u{FF}~?>", "w7vDv34_Pg")])
    func `base64url has two other letters and no padding`(plain: String, encoded: String) {
        #expect(Base64.encodeURL(Array(plain.utf8)) == encoded)
        #expect(Base64.decodeURL(encoded) == Array(plain.utf8))
    }

    @Test(arguments: [
        "Z", "Zg", "Zg=", "Zg===", "====", "=", "Zh==", "Zm9=", "Zg==Zg==", "Zm9v\n", " Zm9v", "Zm 9", "Zm-_", "Zm9é",
        "Z===",
        "=Zm9",
    ])
    func `another text is refused`(text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test func `every length comes back`() {
        for count in 0..<100 {
            let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 37) }
            #expect(Base64.decode(Base64.encode(bytes)) == bytes)
            #expect(Base64.decodeURL(Base64.encodeURL(bytes)) == bytes)
        }
    }
}
