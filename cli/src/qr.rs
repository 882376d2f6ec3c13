//! QR codes in the terminal: two modules a character, with the light border that scanners need.
//!
//! Drawn for dark terminals, light on dark; scanners take both. The weakest error correction: a screen has no stains.

use crate::exit::{Failure, OrRefuse as _, Outcome};
use qrcode::{EcLevel, QrCode, render::unicode::Dense1x2};

/// Most bytes of one code (ISO/IEC 18004, version 40-L).
const MOST: usize = 2_953;

/// A text as a QR code.
///
/// # Errors
/// When it is too long for one.
pub(crate) fn draw(text: &str) -> Outcome<String> {
    if text.len() > MOST {
        return Err(Failure::refused("this is too long for a QR code")
            .why(format!("it has {} characters, and a code holds at most {MOST}", text.len()))
            .help("Leave --qr away, and send the text or a file."));
    }
    let code = QrCode::with_error_correction_level(text, EcLevel::L).or_refuse("no QR code can be drawn")?;
    Ok(code.render().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).quiet_zone(true).build())
}
