import Glibc
@main enum FuzzArchive { static func main() {} }
