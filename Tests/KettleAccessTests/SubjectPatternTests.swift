import KettleAccess
import Testing

@Suite struct SubjectPatternTests {
    @Test(arguments: [
        ("repo:octo/app:ref:refs/heads/main", "repo:octo/app:ref:refs/heads/main"),
        ("repo:octo/*:ref:refs/heads/main", "repo:octo/app:ref:refs/heads/main"),
        ("repo:octo/*:ref:refs/heads/*", "repo:octo/app:ref:refs/heads/feature/one"),
        ("repo:octo/app:*:*", "repo:octo/app:environment:production"),
        ("project_path:group/*:ref_type:branch:ref:main", "project_path:group/sub/app:ref_type:branch:ref:main"),
        ("a*b*c", "abc"), ("a*b*c", "aXbbXc"), ("*aab", "aaaab"), ("a*", "a"), ("***a", "a"),
    ])
    func `a star stands for any characters of its part`(_ pattern: String, _ subject: String) {
        #expect(SubjectPattern(pattern).matches(subject))
    }

    @Test(arguments: [
        ("repo:octo/app:ref:refs/heads/main", "repo:octo/app:ref:refs/heads/main2"),
        ("repo:octo/app:ref:refs/heads/main", "Repo:octo/app:ref:refs/heads/main"),
        ("repo:octo/*:ref:refs/heads/main", "repo:octo/app:environment:x:ref:refs/heads/main"),
        ("repo:octo/*", "repo:octo/app:ref:refs/heads/main"), ("repo:octo/*", "repo:octopus/app"),
        ("repo:octo/app:pull_request", "repo:octo/app:pull_request:"), ("a*b*c", "aXc"), ("a*b", "ab "), ("a", ""),
        // The same letter in another spelling is another subject.
        ("caf\u{E9}", "cafe\u{301}"),
    ])
    func `and for nothing beyond it`(_ pattern: String, _ subject: String) {
        #expect(!SubjectPattern(pattern).matches(subject))
    }

    @Test(.timeLimit(.minutes(1))) func `a pattern of many stars takes no time`() {
        let pattern = SubjectPattern(String(repeating: "*a", count: 2000) + "b")
        #expect(!pattern.matches(String(repeating: "a", count: 4000)))
    }
}
