#![no_main]
//! Any bytes for `sotto_fuzz::mpc_job_post`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { sotto_fuzz::mpc_job_post(data); });
