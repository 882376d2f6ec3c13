//! How AMD's authorities sign: RSA-PSS with SHA-384.

use der::asn1::BitString;
use der::oid::ObjectIdentifier;
use ring::signature::{RSA_PSS_2048_8192_SHA384, UnparsedPublicKey};
use x509_cert::Certificate;
use x509_cert::spki::AlgorithmIdentifierOwned;

const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");

/// Whether an authority signed these bytes; both places that name the algorithm must name the same.
pub(super) fn check_signed(
    bytes: &[u8],
    [inner, outer]: [&AlgorithmIdentifierOwned; 2],
    signature: &BitString,
    by: &Certificate,
) -> Option<()> {
    let key = by.tbs_certificate().subject_public_key_info().subject_public_key.raw_bytes();
    let named = inner == outer && inner.oid == RSA_PSS;
    let verified =
        UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA384, key).verify(bytes, signature.as_bytes()?);
    (named && verified.is_ok()).then_some(())
}
