import KettleAttestation
import KettleDevices
import KettleProvenance
import Testing

@Suite struct KDSTests {
    private let chip = (0..<64).map { UInt8($0) }

    @Test(arguments: [(SNPProduct.milan, "Milan"), (.genoa, "Genoa")])
    func `a chip's certificate is named by its whole id and four security versions`(product: SNPProduct, name: String) {
        let tcb = SNPTCB(versions: [.bootloader: 9, .tee: 0, .snp: 23, .microcode: 219])
        #expect(
            KDS.vcekURL(product: product, chipID: chip, tcb: tcb)
                == "https://kdsintf.amd.com/vcek/v1/\(name)/\(chip.hexadecimal)"
                + "?blSPL=9&teeSPL=0&snpSPL=23&ucodeSPL=219")
    }

    @Test func `a Turin's is named by eight bytes of its id and five security versions`() {
        let tcb = SNPTCB(versions: [.fmc: 1, .bootloader: 2, .tee: 3, .snp: 4, .microcode: 80])
        #expect(
            KDS.vcekURL(base: "http://127.0.0.1:1", product: .turin, chipID: chip, tcb: tcb)
                == "http://127.0.0.1:1/vcek/v1/Turin/0001020304050607?fmcSPL=1&blSPL=2&teeSPL=3&snpSPL=4&ucodeSPL=80")
    }
}
