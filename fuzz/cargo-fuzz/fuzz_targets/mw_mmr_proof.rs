#![no_main]
//! Any bytes for `fuzz::mw_mmr_proof`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::mw_mmr_proof(data); });
