//! A black-and-white picture as PNG, with stored (uncompressed) data: a few kilobytes, and no library.
//!
//! ```text
//! signature ‖ IHDR (width, height, 1 bit, grey) ‖ IDAT (zlib: stored blocks of the rows) ‖ IEND
//! row = filter (1), 0 ‖ one bit a pixel, highest first, 1 is white
//! ```
//!
//! Source: PNG (ISO/IEC 15948), zlib (RFC 1950), deflate (RFC 1951, 3.2.4).

/// The picture of a square of `side` pixels, dark where `is_dark(x, y)`.
pub(super) fn picture(side: usize, is_dark: impl Fn(usize, usize) -> bool) -> Vec<u8> {
    let mut rows = Vec::with_capacity(side * (side / 8 + 2));
    for y in 0..side {
        rows.push(0);
        for x in (0..side).step_by(8) {
            let white = |bit: usize| x + bit < side && !is_dark(x + bit, y);
            rows.push((0..8).fold(0, |byte, bit| byte << 1 | u8::from(white(bit))));
        }
    }
    let side = (side as u32).to_be_bytes();
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut png, b"IHDR", &[&side[..], &side, &[1, 0, 0, 0, 0]].concat());
    chunk(&mut png, b"IDAT", &stored(&rows));
    chunk(&mut png, b"IEND", &[]);
    png
}

fn chunk(out: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    out.extend_from_slice(&(data.len() as u32).to_be_bytes());
    let checked = [&kind[..], data].concat();
    out.extend_from_slice(&checked);
    out.extend_from_slice(&crc32(&checked).to_be_bytes());
}

/// The data as a zlib stream of stored blocks.
fn stored(data: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let blocks = data.chunks(usize::from(u16::MAX));
    let last = blocks.len().saturating_sub(1);
    for (i, block) in blocks.enumerate() {
        let length = block.len() as u16;
        out.push(u8::from(i == last));
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(block);
    }
    out.extend_from_slice(&adler32(data).to_be_bytes());
    out
}

fn adler32(data: &[u8]) -> u32 {
    let (a, b) = data.iter().fold((1, 0), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    b << 16 | a
}

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(!0, |crc: u32, byte| {
        let step = |crc: u32| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 };
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of the algorithms' own documents.
    #[test]
    fn checksums_are_those_of_the_standards() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b"IEND"), 0xae42_6082);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
    }

    #[test]
    fn rows_are_bits_with_white_as_one() {
        let png = picture(9, |x, y| x == 8 || y == 1);
        assert!(png.starts_with(b"\x89PNG\r\n\x1a\n") && png.ends_with(&[0xae, 0x42, 0x60, 0x82]));
        // zlib header, block header, then the rows of three bytes.
        let at = png.windows(4).position(|w| w == b"IDAT").unwrap() + 4;
        assert_eq!(png[at..at + 7], [0x78, 0x01, 1, 27, 0, !27, 0xff]);
        assert_eq!(png[at + 7..at + 13], [0, 0xff, 0, 0, 0, 0]);
        // Larger than one stored block.
        assert!(picture(800, |_, _| false).len() > 80_000);
    }
}
