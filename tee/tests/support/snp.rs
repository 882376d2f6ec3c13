//! Reports of SEV-SNP under a private root.

use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use sotto_tee::roots::{AmdRoot, TcbLayout};
use sotto_tee::{Collateral, Evidence, Kind, Roots};

use super::{file, hex};

/// When the private certificates are valid.
pub(crate) const NOW: u64 = 1_800_000_000;
/// Where fields of a report are.
pub(crate) const POLICY: usize = 0x08;
pub(crate) const VMPL: usize = 0x30;
pub(crate) const PLATFORM: usize = 0x40;
pub(crate) const KEY_FLAGS: usize = 0x48;
pub(crate) const REPORT_DATA: usize = 0x50;
pub(crate) const AGENT: usize = 0x160;
pub(crate) const TCB: usize = 0x180;
pub(crate) const CHIP: usize = 0x1a0;

pub(crate) fn roots() -> Roots {
    let der = |name: &str| file(&format!("private-amd/{name}.der"));
    let amd = AmdRoot { ark: der("ark"), ask: der("ask"), layout: TcbLayout::Milan };
    Roots::private(Vec::new(), vec![amd])
}

pub(crate) fn collateral(certificate: &[u8], lists: &[&str]) -> Collateral {
    let lists: Vec<String> =
        lists.iter().map(|name| format!("\"{}\"", hex(&file(&format!("private-amd/{name}.crl"))))).collect();
    let text = format!("{{\"vcek\": \"{}\", \"crls\": [{}]}}", hex(certificate), lists.join(", "));
    Collateral::parse(text.as_bytes()).expect("collateral")
}

/// What a verifier has who fetched it.
pub(crate) fn fresh() -> Collateral {
    collateral(&file("private-amd/vcek.der"), &["ark"])
}

/// The bytes of a report that is accepted.
pub(crate) fn report(report_data: [u8; 64]) -> Vec<u8> {
    let mut report = vec![0; 0x4a0];
    let mut put = |at: usize, bytes: &[u8]| report[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &[3]);
    put(POLICY + 2, &[2]);
    put(0x34, &[1]);
    put(REPORT_DATA, &report_data);
    put(0x90, &[0xaa; 48]);
    put(AGENT, &[0xff; 32]);
    put(TCB, &[3, 0, 0, 0, 0, 0, 8, 200]);
    put(0x188, &[0x19, 1, 1]);
    put(CHIP, &[0x5a; 64]);
    report
}

/// The chip's signature over a report.
pub(crate) fn signed(mut report: Vec<u8>) -> Evidence {
    let rng = SystemRandom::new();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &pkcs8(), &rng).expect("the key");
    let signature = key.sign(&rng, &report[..0x2a0]).expect("a signature");
    for (half, at) in signature.as_ref().chunks(48).zip([0x2a0, 0x2e8]) {
        report[at..at + 48].copy_from_slice(half);
        report[at..at + 48].reverse();
    }
    Evidence::new(Kind::Snp, &report).expect("a report")
}

/// The chip's private key, from the bare one that openssl writes.
fn pkcs8() -> Vec<u8> {
    let bare = file("private-amd/vcek.key");
    let algorithm = [0x30, 16, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 5, 0x2b, 0x81, 4, 0, 0x22];
    let key = [&[4, 0x81, bare.len() as u8][..], &bare].concat();
    let inner = [&[2, 1, 0][..], &algorithm, &key].concat();
    [&[0x30, 0x81, inner.len() as u8][..], &inner].concat()
}

/// A report with these bytes changed before it is signed.
pub(crate) fn with(changes: &[(usize, &[u8])]) -> Evidence {
    let mut bytes = report(super::receipt().report_data());
    for (at, change) in changes {
        bytes[*at..at + change.len()].copy_from_slice(change);
    }
    signed(bytes)
}
