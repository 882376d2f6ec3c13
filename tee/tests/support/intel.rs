//! Quotes of SGX under a private root, in Intel's form.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CustomExtension, DnType, IsCa,
    Issuer, KeyIdMethod, KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, RevokedCertParams, SerialNumber,
    date_time_ymd,
};
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use sotto_tee::{Collateral, Evidence, Kind, Roots};

use super::hex;

/// When the private collateral is valid: 2027-01-15.
pub(crate) const NOW: u64 = 1_800_000_000;
const PCK_SERIAL: u64 = 77;
const SGX: &[u64] = &[1, 2, 840, 113_741, 1, 13, 1];

/// What differs from an ordinary platform.
pub(crate) struct Quirks {
    pub(crate) attributes: u8,
    pub(crate) status: &'static str,
    pub(crate) advisories: &'static str,
    pub(crate) evaluation: u32,
    pub(crate) ppid: u8,
    pub(crate) revoked: Option<u64>,
    pub(crate) report_data: [u8; 64],
}

impl Default for Quirks {
    fn default() -> Self {
        Self {
            attributes: 5,
            status: "UpToDate",
            advisories: "",
            evaluation: 20,
            ppid: 7,
            revoked: None,
            report_data: super::receipt().report_data(),
        }
    }
}

impl Quirks {
    pub(crate) fn revoked_platform() -> Self {
        Self { revoked: Some(PCK_SERIAL), ..Self::default() }
    }
}

struct Authority {
    params: CertificateParams,
    key: KeyPair,
}

fn key() -> KeyPair {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("a key")
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2049, 1, 1));
    params
}

fn authority(name: &str) -> Authority {
    let mut params = params(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Authority { params, key: key() }
}

impl Authority {
    fn issuer(&self) -> Issuer<'_, &KeyPair> {
        Issuer::from_params(&self.params, &self.key)
    }

    fn list(&self, revoked: Option<u64>) -> Vec<u8> {
        let entry = |serial| RevokedCertParams {
            serial_number: SerialNumber::from(serial),
            revocation_time: date_time_ymd(2026, 6, 1),
            reason_code: None,
            invalidity_date: None,
        };
        let list = CertificateRevocationListParams {
            this_update: date_time_ymd(2027, 1, 10),
            next_update: date_time_ymd(2027, 2, 10),
            crl_number: SerialNumber::from(4_u64),
            issuing_distribution_point: None,
            revoked_certs: revoked.into_iter().map(entry).collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        list.signed_by(&self.issuer()).expect("a list").der().to_vec()
    }
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = match content.len() {
        n @ 0..128 => vec![n as u8],
        n @ 128..256 => vec![0x81, n as u8],
        n => vec![0x82, (n >> 8) as u8, n as u8],
    };
    [&[tag][..], &length, content].concat()
}

/// An entry of Intel's extension: its number below SGX's, and its value.
fn entry(number: &[u8], value: &[u8]) -> Vec<u8> {
    let prefix = [0x2a, 0x86, 0x48, 0x86, 0xf8, 0x4d, 1, 13, 1];
    tlv(0x30, &[tlv(6, &[&prefix, number].concat()), value.to_vec()].concat())
}

fn extension(ppid: u8) -> Vec<u8> {
    let levels = [entry(&[2, 17], &tlv(2, &[11])), entry(&[2, 18], &tlv(4, &[6; 16]))].concat();
    let entries = [
        entry(&[1], &tlv(4, &[ppid; 16])),
        entry(&[2], &tlv(0x30, &levels)),
        entry(&[3], &tlv(4, &[0; 2])),
        entry(&[4], &tlv(4, &[9; 6])),
        entry(&[5], &tlv(10, &[0])),
    ];
    tlv(0x30, &entries.concat())
}

fn sign(key: &[u8], text: &[u8]) -> Vec<u8> {
    let rng = SystemRandom::new();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, key, &rng).expect("a key");
    key.sign(&rng, text).expect("a signature").as_ref().to_vec()
}

fn report(attributes: u8, measurement: u8, data: &[u8]) -> Vec<u8> {
    let mut report = vec![0; 384];
    let mut put = |at: usize, bytes: &[u8]| report[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, &[6; 16]);
    put(48, &[attributes]);
    put(64, &[measurement; 32]);
    put(128, &[measurement + 1; 32]);
    put(256, &[1, 0, 3, 0]);
    put(320, data);
    report
}

/// A quote, its collateral, and the root that both end at.
pub(crate) fn platform(quirks: &Quirks) -> (Evidence, Collateral, Roots) {
    let (root, ca) = (authority("Test Root"), authority("Test Platform CA"));
    let root_der = root.params.self_signed(&root.key).expect("a root");
    let ca_pem = ca.params.signed_by(&ca.key, &root.issuer()).expect("an authority").pem();

    let (pck_key, mut pck) = (key(), params("Test PCK"));
    pck.serial_number = Some(SerialNumber::from(PCK_SERIAL));
    pck.custom_extensions = vec![CustomExtension::from_oid_content(SGX, extension(quirks.ppid))];
    let pck_pem = pck.signed_by(&pck_key, &ca.issuer()).expect("a platform").pem();
    let signer_key = key();
    let signer = params("Test TCB Signing").signed_by(&signer_key, &root.issuer()).expect("a signer");

    let quote = quote(quirks, &pck_key.serialize_der(), &[pck_pem, ca_pem, root_der.pem()].concat());
    let chain = signer.pem() + &root_der.pem();
    let (tcb_info, qe_identity) = (tcb_info(quirks), qe_identity(quirks));
    let signature = |text: &str| hex(&sign(&signer_key.serialize_der(), text.as_bytes()));
    let collateral = serde_json::json!({
        "pck_crl_issuer_chain": "",
        "root_ca_crl": hex(&root.list(None)),
        "pck_crl": hex(&ca.list(quirks.revoked)),
        "tcb_info_issuer_chain": chain,
        "tcb_info_signature": signature(&tcb_info),
        "tcb_info": tcb_info,
        "qe_identity_issuer_chain": chain,
        "qe_identity_signature": signature(&qe_identity),
        "qe_identity": qe_identity,
    });
    (
        Evidence::new(Kind::Sgx, &quote).expect("a quote"),
        Collateral::parse(collateral.to_string().as_bytes()).expect("collateral"),
        Roots::private(root_der.der().to_vec(), Vec::new()),
    )
}

fn tcb_info(quirks: &Quirks) -> String {
    let components = ["{\"svn\":6}"; 16].join(",");
    format!(
        "{{\"id\":\"SGX\",\"version\":3,\"issueDate\":\"2027-01-12T00:00:00Z\",\"nextUpdate\":\"2027-02-12T00:00:00Z\",\
         \"fmspc\":\"090909090909\",\"pceId\":\"0000\",\"tcbType\":0,\"tcbEvaluationDataNumber\":{},\"tcbLevels\":[{{\
         \"tcb\":{{\"sgxtcbcomponents\":[{components}],\"pcesvn\":11}},\"tcbDate\":\"2026-01-01T00:00:00Z\",\
         \"tcbStatus\":\"{}\",\"advisoryIDs\":[{}]}}]}}",
        quirks.evaluation, quirks.status, quirks.advisories
    )
}

fn qe_identity(quirks: &Quirks) -> String {
    format!(
        "{{\"id\":\"QE\",\"version\":2,\"issueDate\":\"2027-01-13T00:00:00Z\",\"nextUpdate\":\"2027-02-13T00:00:00Z\",\
         \"tcbEvaluationDataNumber\":{},\"miscselect\":\"00000000\",\"miscselectMask\":\"ffffffff\",\"attributes\":\"{}\",\
         \"attributesMask\":\"{}\",\"mrsigner\":\"{}\",\"isvprodid\":1,\"tcbLevels\":[{{\"tcb\":{{\"isvsvn\":3}},\
         \"tcbDate\":\"2026-01-01T00:00:00Z\",\"tcbStatus\":\"UpToDate\"}}]}}",
        quirks.evaluation,
        "05".to_owned() + &"00".repeat(15),
        "ff".repeat(16),
        "21".repeat(32),
    )
}

fn quote(quirks: &Quirks, pck_key: &[u8], chain: &str) -> Vec<u8> {
    let mut header = vec![0; 48];
    header[..4].copy_from_slice(&[3, 0, 2, 0]);
    header[12..28].copy_from_slice(&[
        0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 6, 7,
    ]);
    let signed = [header, report(quirks.attributes, 0x10, &quirks.report_data)].concat();
    let rng = SystemRandom::new();
    let attestation = key().serialize_der();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &attestation, &rng).expect("a key");
    let point = &pair.public_key().as_ref()[1..];
    let extra = [0x77; 32];
    let bound = digest(&SHA256, &[point, &extra].concat());
    let enclave = report(5, 0x20, bound.as_ref());
    let rest = [
        &sign(&attestation, &signed)[..],
        point,
        &enclave,
        &sign(pck_key, &enclave),
        &32_u16.to_le_bytes(),
        &extra,
        &5_u16.to_le_bytes(),
        &(chain.len() as u32).to_le_bytes(),
        chain.as_bytes(),
    ]
    .concat();
    [&signed[..], &(rest.len() as u32).to_le_bytes(), &rest].concat()
}
