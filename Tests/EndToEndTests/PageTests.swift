import Foundation
import KettleTesting
import Testing

extension EndToEnd {
    /// The pages for people, as they are served.
    @Suite struct PageTests {
        @Test func `a page runs and shows nothing but the service's own files, which a browser keeps`() async throws {
            try await Service.run { service in
                for prefix in ["", "/v1"] {
                    let page = try await service.get("\(prefix)/verify")
                    #expect(page.status == 200)
                    #expect(page["Content-Type"] == "text/html; charset=utf-8")
                    #expect(
                        page["Content-Security-Policy"]
                            == "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
                            + "img-src 'self' data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
                    #expect(page["X-Content-Type-Options"] == "nosniff")
                    #expect(page["Referrer-Policy"] == "no-referrer")
                    #expect(page["Cache-Control"] == "no-cache")
                    let again = try await service.get("\(prefix)/verify", ["If-None-Match": page["ETag"] ?? ""])
                    #expect(again.status == 304)
                    #expect(again.body.isEmpty)

                    // Neither script nor style stands in the page, which the policy would refuse.
                    #expect(page.text.firstMatch(of: /<script(?![^>]* src=)|<style|\son[a-z]+=|style=/) == nil)
                    let files = page.text.matches(of: /(?:src|href)="(web\/[^"]*)"/).map { String($0.1) }
                    #expect(files.count == 2)
                    for file in files { try await Self.check("\(prefix)/\(file)", of: service) }
                }
                #expect(try await service.get("/web/0123456789abcdef/style.css").status == 404)
            }
        }

        @Test func `commands to copy name the address that the operator gives, or the one that was asked`() async throws
        {
            let page = ["Accept": "text/html"]
            try await Service.run { service in
                let text = try await service.get("/", page).text
                #expect(text.contains("name \(service.address)/v1/build/stream<"))
            }
            try await Service.run(["--public-url", "https://kettle.example/below/"]) { service in
                let text = try await service.get("/", page).text
                #expect(text.contains("name https://kettle.example/below/v1/build/stream<"))
            }
        }

        private static func check(_ path: String, of service: Service) async throws {
            let file = try await service.get(path)
            #expect(file.status == 200, "\(path)")
            let type = path.hasSuffix(".css") ? "text/css" : "text/javascript"
            #expect(file["Content-Type"] == "\(type); charset=utf-8")
            #expect(file["Content-Security-Policy"] == "default-src 'none'; script-src 'self'")
            #expect(file["Cache-Control"] == "public, max-age=31536000, immutable")
            #expect(file["X-Content-Type-Options"] == "nosniff")
            #expect(!file.body.isEmpty)
            #expect(try await service.get(path, ["If-None-Match": file["ETag"] ?? ""]).status == 304)
            // A page is no file, and neither is what lies beside the folder.
            for other in ["verify.html", "..%2FCWeb.c", ""] {
                let folder = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(
                    separator: "/")
                #expect(try await service.get("\(folder)/\(other)").status == 404, "\(other)")
            }
        }
    }
}
