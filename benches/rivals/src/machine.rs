//! What was measured, where and when: no figure without it.

use std::{fs, process::Command};

/// Instructions that make a difference here.
const FLAGS: [&str; 7] = ["avx2", "bmi2", "adx", "avx512f", "avx512ifma", "vaes", "sha_ni"];

/// One line: date, commit, processor, its flags that matter, load, compiler.
pub(crate) fn describe() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = cpu.lines().find(|l| l.starts_with(name)).and_then(|l| l.split_once(':'));
        line.map_or("unknown", |(_, value)| value.trim())
    };
    let has: Vec<&str> = field("flags").split(' ').filter(|f| FLAGS.contains(f)).collect();
    let cores = cpu.lines().filter(|l| l.starts_with("processor")).count();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let ours = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let dirty = if said("git", &["-C", ours, "status", "--porcelain", "mw"]).is_empty() {
        ""
    } else {
        " and changes"
    };
    format!(
        "{}, commit {}{dirty}. {} (family {}, model {}), {cores} cores, {}. Load {}. {}.",
        said("date", &["-u", "+%Y-%m-%d"]),
        said("git", &["-C", ours, "rev-parse", "--short", "HEAD"]),
        field("model name"),
        field("cpu family"),
        field("model\t"),
        has.join(" "),
        load.split(' ').next().unwrap_or_default(),
        said("rustc", &["--version"]),
    )
}

fn said(program: &str, args: &[&str]) -> String {
    let out = Command::new(program).args(args).output();
    out.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned()).unwrap_or_default()
}
