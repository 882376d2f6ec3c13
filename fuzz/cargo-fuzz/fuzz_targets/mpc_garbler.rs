#![no_main]
//! Any bytes for `fuzz::mpc_garbler`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::mpc_garbler(data); });
