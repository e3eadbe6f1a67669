import AsyncHTTPClient
import X509
import SwiftASN1
import Crypto
import NIOSSL
