//! Making a certificate: the clock and the random source that [`crate::certificate`] does without.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rand_core::{OsRng, RngCore};
use rcgen::KeyPair;

use crate::certificate::{Certificate, CertificateError};

/// How long ago a new certificate may have begun.
const OLDEST: Duration = Duration::from_secs(30 * 86_400);

impl Certificate {
    /// A new self-signed certificate for these host names, with a new key.
    ///
    /// # Errors
    /// [`CertificateError::Names`] if a name is not a host name.
    pub fn generate(names: &[&str]) -> Result<Self, CertificateError> {
        let key = KeyPair::generate().map_err(|e| CertificateError::Names(e.to_string()))?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let age = Duration::from_secs(OsRng.next_u64() % OLDEST.as_secs());
        let begin = Duration::from_secs(now.saturating_sub(age).as_secs());
        Self::self_signed(names, &key, begin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a certificate contains these bytes.
    fn has(certificate: &Certificate, bytes: &[u8]) -> bool {
        certificate.to_der().0.windows(bytes.len()).any(|w| w == bytes)
    }

    /// Both times of a certificate, in the format used until 2050: `YYMMDDHHMMSSZ`.
    fn times(certificate: &Certificate) -> Vec<String> {
        let der = certificate.to_der().0;
        let text = |w: &[u8]| (w[..2] == [0x17, 13]).then(|| String::from_utf8(w[2..15].to_vec()).unwrap());
        der.windows(15).filter_map(text).collect()
    }

    #[test]
    fn a_certificate_names_a_host_and_lasts_a_year() {
        let certificate = Certificate::generate(&["www.example.org", "example.org"]).unwrap();
        // An attribute commonName (2.5.4.3), and no trace of the library.
        assert!(has(&certificate, b"\x06\x03\x55\x04\x03\x0c\x0fwww.example.org"));
        assert!(!has(&certificate, b"rcgen") && !has(&certificate, b"self signed"));
        let times = times(&certificate);
        let year = |text: &str| text[..2].parse::<u64>().unwrap();
        let [begin, end] = &times[..] else { panic!("{times:?}") };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let this = 1970 + now / 31_556_952 - 2000;
        assert!((this - 1..=this).contains(&year(begin)) && year(end) == year(begin) + 1, "{times:?}");
    }

    #[test]
    fn a_certificate_can_be_stored() {
        let [one, other] = [(); 2].map(|()| Certificate::generate(&["localhost"]).unwrap());
        let (certificate, key) = one.to_der();
        let again = Certificate::from_der(&certificate, &key).unwrap();
        assert_eq!(again.to_der(), (certificate.clone(), key.clone()));
        assert!(
            Certificate::from_der(&certificate, &other.to_der().1).is_err(),
            "the key of another certificate"
        );
        assert!(Certificate::from_der(&certificate, &key[1..]).is_err());
        assert!(Certificate::from_der(b"", &key).is_err());
    }

    #[test]
    fn the_key_is_not_shown() {
        let shown = format!("{:?}", Certificate::generate(&["localhost"]).unwrap());
        assert_eq!(shown, "Certificate { chain: 1, .. }");
    }
}
