//! Seeds of the targets of attestation.

use super::{Inputs, input};
use crate::fixtures::tee::{bundle, collateral_text, policy, report};

const SGX: &[u8] = include_bytes!("../../../tee/tests/data/intel/sgx_quote");
const TDX: &[u8] = include_bytes!("../../../tee/tests/data/intel/tdx_quote");
const INTEL: &str = include_str!("../../../tee/tests/data/intel/sgx_quote_collateral.json");

pub(super) fn inputs(target: &str) -> Option<Inputs> {
    Some(match target {
        "tee_evidence" => vec![
            input("software", bundle().evidence.encode()),
            input("report", report().encode()),
            input("raw-report", report().body()),
            input("raw-sgx", SGX),
            input("raw-tdx-with-zeros", TDX),
        ],
        "tee_bundle" => vec![input("software", bundle().encode())],
        "tee_policy" => vec![
            input("policy", policy()),
            input(
                "snp",
                format!(
                    "version = 1\n[[accept]]\nkind = 'snp'\nmeasurements.measurement = '{}'\n\
                     tcb = {{ bootloader = 3, tee = 0, snp = 8, microcode = 115 }}\n[quorum]\nof = 2\nvendors = 1\n",
                    "0a".repeat(48)
                ),
            ),
            input("revoked", "[revoked]\nadvisories = ['INTEL-SA-00615']\nmeasurements = ['0a0b']\n"),
            input("any-code", "version = 1\n[[accept]]\nkind = 'tdx'\nmeasurements = {}\n"),
            input("numbers", "5 intel root crl\n18446744073709551615 x\n"),
        ],
        "tee_collateral" => vec![input("chip", collateral_text()), input("intel", INTEL)],
        "tee_report" => vec![input("report", report().body()), input("quote", SGX)],
        _ => return None,
    })
}
