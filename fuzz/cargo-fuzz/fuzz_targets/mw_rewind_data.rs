#![no_main]
//! Runs `sotto_fuzz::mw_rewind_data` on arbitrary bytes.
libfuzzer_sys::fuzz_target!(|data: &[u8]| { sotto_fuzz::mw_rewind_data(data); });
