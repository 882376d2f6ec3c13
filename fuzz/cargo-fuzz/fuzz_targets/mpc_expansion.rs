#![no_main]
//! Runs `sotto_fuzz::mpc_expansion` on arbitrary bytes.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { sotto_fuzz::mpc_expansion(data); });
