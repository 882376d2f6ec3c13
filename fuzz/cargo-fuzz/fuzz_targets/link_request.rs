#![no_main]
//! Any bytes for `sotto_fuzz::link_meeting`.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { sotto_fuzz::link_meeting(data); });
