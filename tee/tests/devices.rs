//! Platforms in memory: evidence through configfs-tsm and Gramine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use sotto_tee::device::{Device, DeviceError, Memory, configfs_tsm, gramine};
use sotto_tee::edge::device_files::DeviceFiles;
use sotto_tee::{Kind, verify_under};
use support::intel::{Quirks, platform};
use support::{receipt, snp};

fn machine() -> Memory<impl Fn(&[u8]) -> Vec<u8>> {
    Memory::new("sev_guest", |data: &[u8]| snp::signed(snp::report(data.try_into().unwrap())).body().to_vec())
}

#[test]
fn a_machine_answers_through_configfs() {
    let data = receipt().report_data();
    let mut device = machine();
    let evidence = configfs_tsm(&mut device, "sotto-1", &data).unwrap();
    assert!(device.is_clean());
    let claims = verify_under(&snp::roots(), &evidence, &snp::fresh(), snp::NOW).unwrap();
    assert_eq!((claims.kind, claims.report_data), (Kind::Snp, data));
    // A folder is used once: a second writer is seen, and the folder is removed in any case.
    let mut device = machine();
    device.others = 1;
    assert!(matches!(configfs_tsm(&mut device, "sotto-1", &data), Err(DeviceError::Race)));
    assert!(device.is_clean());
    let mut device = machine();
    device.provider = "arm_cca_guest";
    assert!(matches!(configfs_tsm(&mut device, "sotto-1", &data), Err(DeviceError::Provider(_))));
    let mut device = machine();
    device.make_folder("sotto-1").unwrap();
    assert!(matches!(configfs_tsm(&mut device, "sotto-1", &data), Err(DeviceError::Files(_))));
}

#[test]
fn an_answer_for_something_else_is_none() {
    let data = receipt().report_data();
    let stale = snp::signed(snp::report([9; 64])).body().to_vec();
    let mut device = Memory::new("sev_guest", move |_: &[u8]| stale.clone());
    assert!(matches!(configfs_tsm(&mut device, "x", &data), Err(DeviceError::Answer)));
    let mut device = Memory::new("tdx_guest", |_: &[u8]| snp::report([0; 64]));
    assert!(matches!(configfs_tsm(&mut device, "x", &data), Err(DeviceError::Answer)), "another kind");
    let mut device = Memory::new("sev_guest", |_: &[u8]| Vec::new());
    assert!(matches!(configfs_tsm(&mut device, "x", &data), Err(DeviceError::Answer)));
}

#[test]
fn an_enclave_answers_through_gramine() {
    let quote = |data: &[u8]| {
        let quirks = Quirks { report_data: data.try_into().unwrap(), ..Quirks::default() };
        platform(&quirks).0.body().to_vec()
    };
    let data = receipt().report_data();
    assert_eq!(gramine(&mut Memory::new("dcap", quote), &data).unwrap().kind(), Kind::Sgx);
    assert!(matches!(gramine(&mut Memory::new("epid", quote), &data), Err(DeviceError::Provider(_))));
}

#[test]
fn files_are_bounded_and_folders_are_made_once() {
    let root = std::env::temp_dir().join(format!("sotto-device-{}", std::process::id()));
    std::fs::create_dir(&root).unwrap();
    let mut device = DeviceFiles::new(&root);
    assert!(device.exists() && !DeviceFiles::new(root.join("none")).exists());
    device.make_folder("a").unwrap();
    assert!(device.make_folder("a").is_err());
    assert!(device.write("a/inblob", b"x").is_err(), "the kernel makes the files");
    std::fs::write(root.join("a/inblob"), b"").unwrap();
    device.write("a/inblob", b"data").unwrap();
    assert_eq!(device.read("a/inblob").unwrap(), b"data");
    std::fs::write(root.join("a/outblob"), vec![0; (16 << 10) + 1]).unwrap();
    assert!(device.read("a/outblob").is_err());
    assert!(device.remove_folder("a").is_err(), "it has files of others");
    std::fs::remove_dir_all(&root).unwrap();
}
