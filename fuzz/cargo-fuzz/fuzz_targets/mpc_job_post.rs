#![no_main]
//! Any bytes for `fuzz::mpc_job_post`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { fuzz::mpc_job_post(data); });
