#![no_main]
//! Runs `sotto_fuzz::keys_plan` on arbitrary bytes.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { sotto_fuzz::keys_plan(data); });
