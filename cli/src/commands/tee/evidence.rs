//! `sotto tee evidence`: asks this machine.

use super::binding::binding;
use crate::{
    Context, args,
    commands::mpc::job::read_identity,
    evidence_files::digest,
    exit::{Code, ErrorCode, Failure, OrRefuse as _, Outcome},
    new_file::NewFile,
};
use serde_json::json;
use sotto_tee::device::DeviceError;
use sotto_tee::edge::platform;
use sotto_tee::policy::UNATTESTED;
use sotto_tee::{Digest, Evidence, Kind, software};

pub(crate) fn run(context: &Context, a: &args::TeeEvidence) -> Outcome {
    let file = NewFile::public(&a.file, a.force, &context.config);
    file.check()?;
    let (evidence, party) = match &a.software {
        None => {
            let binding = binding(&a.binding, None)?;
            (ask(&binding.report_data())?, binding.party)
        }
        Some(key) => {
            let identity = read_identity(key)?;
            let us = Digest(identity.public().digest());
            let binding = binding(&a.binding, Some(us))?;
            if binding.party != us {
                return Err(Failure::new(Code::Usage, "--party is another party than --software signs for"));
            }
            let build = a.binding.build.as_deref().ok_or_else(|| {
                Failure::new(Code::Usage, "missing --build")
                    .why("software evidence names the code that it is for")
            })?;
            let signed = software::sign(&identity, &digest("--build", build)?.0, &binding.report_data());
            (signed.or_refuse("cannot make the evidence")?, us)
        }
    };
    file.write_all(&evidence.encode())?;
    let is_software = evidence.kind() == Kind::Software;
    if is_software {
        context.ui.warn(&format!("{UNATTESTED}: no hardware vouches for this evidence"));
    }
    let (path, name) = (a.file.display().to_string(), evidence.name().to_string());
    let human = format!("{} evidence {name}\nof party {party}\nwritten to {path}", evidence.kind());
    let fields = json!({ "file": path, "kind": evidence.kind().name(), "evidence": name,
                         "party": party.to_string(), "attested": !is_software });
    context.output.record("tee-evidence", fields, &human)
}

/// Evidence of the hardware that this process runs on.
pub(crate) fn ask(report_data: &[u8; 64]) -> Outcome<Evidence> {
    platform::ask(report_data).map_err(|e| {
        let failed = Failure::coded(ErrorCode::NoHardware, "this machine gives no evidence");
        match e {
            DeviceError::None => failed.why(DeviceError::None).help("run it in a virtual machine with TDX or SEV-SNP, or under Gramine; to try the steps: --software KEY"),
            e => failed.why(e).help("docs/ATTESTATION.md says what the kernel and Gramine need"),
        }
    })
}
