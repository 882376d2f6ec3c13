//! QR codes in the terminal: two modules per character, with the light border that scanners need.
//!
//! Drawn light on dark, for dark terminals; scanners read both. The error correction is the weakest one: a
//! screen does not get dirty.

use crate::exit::{Failure, OrRefuse as _, Outcome};
use qrcode::{EcLevel, QrCode, render::unicode::Dense1x2};

/// Capacity of the largest code, in bytes (ISO/IEC 18004, version 40-L).
const MOST: usize = 2_953;

/// Draws a text as a QR code.
///
/// # Errors
/// If the text is too long for one code.
pub(crate) fn draw(text: &str) -> Outcome<String> {
    if text.len() > MOST {
        return Err(Failure::refused("the text is too long for a QR code")
            .why(format!("it has {} bytes, and a code holds at most {MOST}", text.len()))
            .help("omit --qr, and send the text or a file"));
    }
    let code = QrCode::with_error_correction_level(text, EcLevel::L).or_refuse("cannot draw the QR code")?;
    Ok(code.render().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).quiet_zone(true).build())
}
