#![no_main]
//! Any bytes for `sotto_fuzz::mpc_job`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { sotto_fuzz::mpc_job(data); });
