//! QR codes in the terminal, and as SVG or PNG files.
//!
//! With the light border that scanners need. In the terminal two modules per character, drawn light on dark, for
//! dark terminals; scanners read both. The error correction is the weakest one: a screen does not get dirty.

mod png;

use crate::exit::{Code, ErrorCode, Failure, OrRefuse as _, Outcome};
use qrcode::{Color, EcLevel, QrCode, render::unicode::Dense1x2};
use std::path::Path;

/// Capacity of the largest code, in bytes (ISO/IEC 18004, version 40-L).
const MOST: usize = 2_953;

/// The light border, in modules (ISO/IEC 18004).
const BORDER: usize = 4;
/// Pixels of a module in a PNG.
const PIXELS: usize = 8;

/// The size of a terminal, in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
}

/// Draws a text as a QR code for a terminal; its size is `None` if it is not known.
///
/// # Errors
/// If the text is too long for one code, or the code for the terminal.
pub(crate) fn draw(text: &str, size: Option<Size>) -> Outcome<String> {
    let code = code(text)?;
    let side = code.width() + 2 * BORDER;
    let needed = Size { columns: side, rows: side.div_ceil(2) };
    if let Some(size) = size.filter(|size| size.columns < needed.columns || size.rows < needed.rows) {
        return Err(Failure::refused("the terminal is too small for the QR code")
            .why(format!(
                "it has {} columns and {} lines, and the code needs {} and {}",
                size.columns, size.rows, needed.columns, needed.rows
            ))
            .help("enlarge the terminal or its number of characters, or pass --qr-file FILE.svg"));
    }
    Ok(code.render().dark_color(Dense1x2::Light).light_color(Dense1x2::Dark).quiet_zone(true).build())
}

/// A format of picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    Svg,
    Png,
}

impl Format {
    /// The format that a file's ending names.
    pub(crate) fn of(path: &Path) -> Outcome<Self> {
        match path.extension().and_then(|ending| ending.to_str()) {
            Some(ending) if ending.eq_ignore_ascii_case("svg") => Ok(Self::Svg),
            Some(ending) if ending.eq_ignore_ascii_case("png") => Ok(Self::Png),
            _ => Err(Failure::new(Code::Usage, format!("unknown kind of picture `{}`", path.display()))
                .help("name the file FILE.svg or FILE.png")),
        }
    }
}

/// A text as a QR code in a picture.
pub(crate) fn picture(text: &str, format: Format) -> Outcome<Vec<u8>> {
    let code = code(text)?;
    let (width, colors) = (code.width(), code.to_colors());
    let side = width + 2 * BORDER;
    let is_dark = |x: usize, y: usize| {
        let (Some(x), Some(y)) = (x.checked_sub(BORDER), y.checked_sub(BORDER)) else { return false };
        x < width && y < width && colors.get(y * width + x) == Some(&Color::Dark)
    };
    Ok(match format {
        Format::Png => png::picture(side * PIXELS, |x, y| is_dark(x / PIXELS, y / PIXELS)),
        Format::Svg => svg(side, is_dark).into_bytes(),
    })
}

fn svg(side: usize, is_dark: impl Fn(usize, usize) -> bool) -> String {
    let dark = (0..side).flat_map(|y| (0..side).map(move |x| (x, y))).filter(|(x, y)| is_dark(*x, *y));
    let path: String = dark.map(|(x, y)| format!("M{x} {y}h1v1h-1z")).collect();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\"><rect width=\"{side}\" height=\"{side}\" fill=\"#fff\"/><path d=\"{path}\"/></svg>\n"
    )
}

fn code(text: &str) -> Outcome<QrCode> {
    if text.len() > MOST {
        return Err(Failure::coded(ErrorCode::Refused, "the text is too long for a QR code")
            .why(format!("it has {} bytes, and a code holds at most {MOST}", text.len()))
            .help("omit --qr and --qr-file, and send the text or a file"));
    }
    QrCode::with_error_correction_level(text, EcLevel::L).or_refuse("cannot draw the QR code")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_does_not_fit_says_so_instead_of_wrapping() {
        let text = "x".repeat(1_000);
        let drawn = draw(&text, None).unwrap();
        let (columns, rows) = (drawn.lines().next().unwrap().chars().count(), drawn.lines().count());
        assert!(draw(&text, Some(Size { columns, rows })).is_ok());
        for size in [Size { columns: columns - 1, rows }, Size { columns, rows: rows - 1 }] {
            let refused = draw(&text, Some(size)).unwrap_err();
            assert!(refused.help.unwrap().contains("--qr-file"));
        }
        assert!(draw(&"x".repeat(MOST + 1), None).is_err());
    }

    #[test]
    fn a_picture_has_every_dark_module_once() {
        let dark = code("hello").unwrap().to_colors().iter().filter(|c| **c == Color::Dark).count();
        let svg = String::from_utf8(picture("hello", Format::Svg).unwrap()).unwrap();
        assert_eq!(svg.matches("h1v1h-1z").count(), dark);
        assert!(svg.contains(r#"viewBox="0 0 29 29""#), "21 modules and the border");
        assert!(picture("hello", Format::Png).unwrap().starts_with(b"\x89PNG"));
        assert_eq!(Format::of(Path::new("a.SVG")).unwrap(), Format::Svg);
        assert_eq!(Format::of(Path::new("a.jpg")).unwrap_err().code, Code::Usage);
    }
}
