public import ArgumentParser

@main
struct Kettle: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "kettle")
}
