import KettleBuild
import KettleProvenance
import Testing

@Suite struct BuildEventTests {
    @Test func `the first event is the one that the API shows`() {
        let event = BuildEvent("Initializing build environment", phase: .initialize, buildID: "a1b2")
        #expect(
            String(decoding: event.encoded(), as: UTF8.self)
                == #"{"type":"info","message":"Initializing build environment","phase":"init","build_id":"a1b2"}"#)
    }

    @Test func `a message cannot break out of its line or its string`() throws {
        let message = "quote \" backslash \\ newline \n data: {\"type\":\"complete\"}"
        let bytes = BuildEvent(message, phase: .build, stream: .stderr).encoded()
        #expect(!bytes.contains(0x0A))
        let value = try JSONValue(parsing: bytes)
        #expect(value["message"]?.stringValue == message)
        #expect(value["stream"]?.stringValue == "stderr")
    }
}
