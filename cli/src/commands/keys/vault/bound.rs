//! What evidence of a machine that wants a box opened is bound to.

use sotto_keys::{Index, vault::Opening};
use sotto_tee::{Digest, binding::Session};

/// What a machine's evidence for a member is bound to, besides the nonce; `None` if there is no such member.
pub(super) fn session(opening: &Opening<'_>, member: Index) -> Option<Session> {
    let verifier = opening.epoch.draft().key(member)?;
    Some(Session {
        party: Digest(opening.request.machine().digest()),
        job: Digest(*opening.vault_box.name().as_bytes()),
        verifier: Digest(verifier.digest()),
        run: Digest(*opening.request.name().as_bytes()),
        exporter: Digest([0; 32]),
    })
}
