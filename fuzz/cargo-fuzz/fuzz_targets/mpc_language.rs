#![no_main]
//! Any bytes for `fuzz::mpc_language`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::mpc_language(data); });
