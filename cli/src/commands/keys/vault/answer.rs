//! `sotto keys vault answer`: what a member does, in two runs.
//!
//! ```text
//! record    evidence for this member     what happens
//! none      none                         draws a nonce, keeps it, prints the challenge
//! nonce     none                         prints the challenge again; a fresh one after 60 seconds
//! nonce     for this nonce, in time      judges it, shows it, asks, keeps the answer, prints it
//! nonce     for another, or too late     refuses
//! answer    any                          prints the answer again
//! ```
//!
//! The minute ends when the evidence is judged, not when a person has made up its mind: the answer is encrypted to the key
//! that the evidence names.

use super::super::{
    files::{ShareFile, read_group},
    session::installation,
};
use super::{bound::session, letters::Letters, show::fingerprint};
use crate::{
    Context,
    args::VaultReply,
    bridge::now,
    commands::{
        mpc::job::read_identity,
        tee::{bundle_file, not_verified, refused},
    },
    evidence_files::{folder_of, read_collateral, read_policy, read_revoked, read_seen, write_seen},
    exit::{ErrorCode, Failure, OrRefuse as _, Outcome},
};
use rand_core::OsRng;
use serde_json::{Value, json};
use sotto_keys::{
    Group, Hash, Index,
    armor::{self, Kind},
    edge::installation::Installation,
    vault::{Opening, VaultAnswer, VaultMember},
    vault_session::{Drawn, VaultChallenge, VaultEvidence, VaultRecord},
};
use sotto_party::Identity;
use sotto_tee::{
    Appraised, Binding, Bundle, Circumstances, Claims, Digest, Evidence, Policy, Verdict,
    binding::{Challenge, SESSION_LIFE, Stale},
    verify,
};

pub(super) fn answer(context: &Context, a: &VaultReply) -> Outcome {
    let (group, identity) = (read_group(&a.member.group)?, read_identity(&a.member.key)?);
    let letters = Letters::read(&a.files)?;
    let request = letters.request()?;
    letters.all_of(&request.name())?;
    let opening = Opening { epoch: group.epoch(), vault_box: &letters.vault_box, request };
    opening.check().or_refuse("this member does not answer the request")?;
    let (policy, policy_text) = read_policy(&a.policy)?;
    check_policy(&opening, &policy)?;
    let index = group.draft().index_of(&identity.public()).ok_or_else(|| {
        Failure::refused("no member of the group has this key")
            .why(format!("its fingerprint is {}", identity.public().fingerprint()))
            .help("pass the right --key, or the right group")
    })?;
    let installation = installation(context, &identity)?;
    let judge = Judge { policy, policy_text, now: now() };
    let turn = Turn { context, a, group: &group, identity: &identity, index, opening, installation, judge };
    turn.take(&letters)
}

/// Whether the policy is the one that the box names, and a machine can satisfy it.
fn check_policy(opening: &Opening<'_>, policy: &Policy) -> Outcome {
    let (named, ours) = (opening.vault_box.terms().policy, Hash::from_bytes(policy.digest().0));
    if named != ours {
        return Err(Failure::coded(ErrorCode::EvidenceRefused, "the box names another policy")
            .why(format!("it names {named}, and the file has the hash {ours}"))
            .help("get the policy from the box's owner; `sotto tee policy hash` prints a file's hash"));
    }
    if policy.quorum.of > 1 {
        return Err(Failure::coded(ErrorCode::EvidenceRefused, "no machine can satisfy the box's policy")
            .why(format!("it asks for {} different platforms, and a machine has one", policy.quorum.of)));
    }
    Ok(())
}

/// The policy of the box, at this time.
struct Judge {
    policy: Policy,
    policy_text: String,
    now: u64,
}

/// One run of a member.
struct Turn<'a> {
    context: &'a Context,
    a: &'a VaultReply,
    group: &'a Group,
    identity: &'a Identity,
    index: Index,
    opening: Opening<'a>,
    installation: Installation,
    judge: Judge,
}

/// Evidence that the policy of the box accepts, and what it says.
struct Accepted {
    appraised: Appraised,
    claims: Claims,
    bundle: Option<Bundle>,
}

impl Turn<'_> {
    fn take(&self, letters: &Letters) -> Outcome {
        let kept = self.installation.vault_record(&self.opening.request.name());
        let kept = kept.or_refuse("cannot read what this member said to the machine")?;
        let shown: Vec<&VaultEvidence> =
            letters.evidence.iter().filter(|letter| letter.to() == self.index).collect();
        match (kept, &shown[..]) {
            (Some(VaultRecord::Answered(answer)), _) => self.again(&answer),
            (Some(VaultRecord::Challenged(drawn)), []) if self.is_fresh(&drawn) => self.challenge(&drawn),
            (_, []) => {
                let drawn = Drawn::new(self.opening.request.name(), self.judge.now, &mut OsRng);
                self.keep(&VaultRecord::Challenged(drawn))?;
                self.challenge(&drawn)
            }
            (None, _) => Err(late("this member has drawn no nonce for it here")),
            (Some(VaultRecord::Challenged(drawn)), shown) => {
                let binding = self.binding(&drawn)?.map_err(|stale| late(&stale.to_string()))?;
                let shown: Vec<_> = shown.iter().copied().filter(|letter| letter.answers(&drawn)).collect();
                if shown.is_empty() {
                    return Err(late("it is for another nonce of this member"));
                }
                self.decide(&self.judge(&binding, &shown)?)
            }
        }
    }

    /// What evidence for a nonce must be bound to, or how old the nonce is.
    fn binding(&self, drawn: &Drawn) -> Outcome<Result<Binding, Stale>> {
        let session = session(&self.opening, self.index).ok_or_else(|| Failure::refused("no such member"))?;
        Ok(Challenge::new(drawn.nonce, drawn.time).binding(&session, self.judge.now))
    }

    fn is_fresh(&self, drawn: &Drawn) -> bool {
        matches!(self.binding(drawn), Ok(Ok(_)))
    }

    fn keep(&self, record: &VaultRecord) -> Outcome {
        self.installation.keep_vault_record(record).or_refuse("cannot keep what this member says")
    }

    fn challenge(&self, drawn: &Drawn) -> Outcome {
        let challenge = VaultChallenge::new(self.group.draft(), self.identity, drawn);
        let challenge = challenge.ok_or_else(|| Failure::refused("no member of the group has this key"))?;
        let left = SESSION_LIFE.saturating_sub(self.judge.now.saturating_sub(drawn.time));
        self.context.ui.info(&format!("waiting for the machine's evidence, which must come within {left} s"));
        let text = armor::to_text(Kind::VaultChallenge, &challenge.to_bytes());
        self.print("awaiting", json!({ "seconds_left": left }), text)
    }

    /// The first evidence that the policy accepts, or why it refuses the first.
    fn judge(&self, binding: &Binding, shown: &[&VaultEvidence]) -> Outcome<Accepted> {
        let mut first = None;
        for letter in shown {
            match self.judge_one(binding, letter) {
                Ok(accepted) => return Ok(accepted),
                Err(failure) => first = first.or(Some(failure)),
            }
        }
        Err(first.unwrap_or_else(|| Failure::refused("no evidence was shown")))
    }

    fn judge_one(&self, binding: &Binding, letter: &VaultEvidence) -> Outcome<Accepted> {
        let malformed = "the machine's letter holds no evidence";
        let evidence = Evidence::decode(letter.evidence())
            .map_err(|e| Failure::coded(ErrorCode::InvalidEvidence, malformed).why(e))?;
        let collateral = read_collateral(self.a.collateral.as_ref())?;
        let revoked = read_revoked(folder_of(&self.a.policy))?;
        let mut seen = read_seen(self.a.seen.as_ref())?;
        let Judge { policy, policy_text, now } = &self.judge;
        let claims = verify(&evidence, &collateral, *now).map_err(|e| not_verified(&e))?;
        let at = Circumstances { now: *now, binding, revoked: &revoked, seen: &seen };
        let appraised = policy.appraise(&claims, &at).map_err(|e| refused(&e))?;
        let wanted = self.a.bundle.as_ref();
        let bundle = wanted.map(|_| Bundle::new(evidence, collateral, policy_text.clone(), &at)).transpose();
        let bundle = bundle.or_refuse("cannot make the bundle")?;
        let before = seen.clone();
        seen.raise(&claims);
        if let Some(path) = self.a.seen.as_ref().filter(|_| seen != before) {
            write_seen(path, &seen)?;
        }
        Ok(Accepted { appraised, claims, bundle })
    }

    /// Shows what is released, asks, and answers.
    fn decide(&self, accepted: &Accepted) -> Outcome {
        let Accepted { appraised, claims, bundle } = accepted;
        let file = ShareFile::open(&self.a.member)?;
        file.check(self.opening.epoch)?;
        let share = file.shares.of(self.opening.epoch).or_refuse("cannot use the share")?;
        if let Some(path) = &self.a.bundle {
            bundle_file(path).check()?;
        }
        if appraised.verdict() == Verdict::UnattestedSoftware {
            let verdict = appraised.verdict();
            self.context.ui.warn(&format!("{verdict}: no hardware vouches for the machine that asks"));
        }
        self.context.ui.confirm(&self.plan(appraised, claims), self.a.yes)?;
        if let (Some(path), Some(bundle)) = (&self.a.bundle, bundle) {
            bundle_file(path).write_all(&bundle.encode())?;
        }
        let member = VaultMember { identity: self.identity, share };
        let accepted_by = Hash::from_bytes(appraised.policy().0);
        let answer = self.opening.answer(member, accepted_by, &mut OsRng).or_refuse("cannot answer")?;
        self.keep(&VaultRecord::Answered(answer.clone()))?;
        self.context.ui.info("answered; the machine opens the box with the answers of enough members");
        self.printed(&answer, verdict(appraised, claims))
    }

    /// What is released, to whom and why.
    fn plan(&self, appraised: &Appraised, claims: &Claims) -> String {
        let (vault_box, draft) = (self.opening.vault_box, self.group.draft());
        let platform = appraised.platform().map(|platform| platform.to_string());
        let mut text = format!(
            "A machine asks for the contents of a box\n  box       {}\n  owner     {}\n  machine   {}\n  evidence  {}: {}, accepted by entry {} of the policy\n  platform  {}\n",
            vault_box.name(),
            fingerprint(&vault_box.terms().owner),
            self.opening.request.machine().fingerprint(),
            appraised.verdict(),
            claims.kind,
            appraised.entry(),
            platform.as_deref().unwrap_or("without a name"),
        );
        for (name, value) in &claims.measurements {
            text += &format!("  {name:9} {}\n", crate::bridge::hex(value));
        }
        text + &format!(
            "You answer as member {} of group {}. With {} such answers the machine has the contents.\nThis cannot be undone. Unaudited.",
            self.index,
            draft.id(),
            draft.threshold()
        )
    }

    /// The same answer as before.
    fn again(&self, answer: &VaultAnswer) -> Outcome {
        if answer.epoch() != self.opening.epoch.hash() {
            return Err(Failure::refused("this member answered the request before the group was refreshed")
                .why("a member answers a request once, and answers of two epochs do not mix")
                .help("the machine asks anew, with a new --key"));
        }
        self.context.ui.info("this member answered before; this is its answer again");
        self.printed(answer, json!(null))
    }

    fn printed(&self, answer: &VaultAnswer, verdict: Value) -> Outcome {
        let text = armor::to_text(Kind::VaultAnswer, &answer.to_bytes());
        self.print("done", json!({ "verdict": verdict }), text)
    }

    fn print(&self, state: &str, result: Value, letter: String) -> Outcome {
        let fields = json!({ "group": self.group.draft().id().to_string(),
            "box": self.opening.vault_box.name().to_string(), "request": self.opening.request.name().to_string(),
            "member": self.index.get(), "state": state, "result": result, "letters": [letter] });
        self.context.output.record("keys-vault-answer", fields, &letter)
    }
}

fn late(why: &str) -> Failure {
    Failure::coded(ErrorCode::Expired, "the evidence answers no challenge that is open")
        .why(why)
        .help("run this without the letters of evidence for a challenge, and pass that to the machine")
}

fn verdict(appraised: &Appraised, claims: &Claims) -> Value {
    json!({ "verdict": appraised.verdict().to_string(), "kind": claims.kind.name(), "entry": appraised.entry(),
        "evidence": appraised.evidence().to_string(), "platform": appraised.platform().map(|p: Digest| p.to_string()) })
}
