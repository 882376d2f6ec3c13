#![no_main]
//! Any bytes for `fuzz::mpc_job_text`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::mpc_job_text(data); });
