//! What a buyer keeps between restarts, and its bytes. Its own disk is the only place that they come from.
//!
//! ```text
//! kept    "sotto sale buyer v1\0" ‖ job [32] ‖ stage u8 ‖ run and what follows
//! stage   0 open · 1 undone · 2 asked, 3 agreed: run ‖ last height u64 ‖ answers: payee u16 ‖ bytes…
//!         4 released: run ‖ the letter to the payees · 5 paid: run ‖ t [32]
//! run     receipt ‖ locked share of the garbler ‖ of the evaluator, each with its length u32
//! ```

use zeroize::Zeroizing;

use super::kept::Kept;
use super::{Asked, Bought, Buyer, Progress, Stage};
use crate::codec::{Bytes, Codec, DecodeError, Reader};
use crate::hash::Digest;
use crate::lock::LockSecret;
use crate::receipt::Receipt;
use crate::sale::letters::ClaimSet;

const PREFIX: &str = "sotto sale buyer v1\0";

impl<'a> Buyer<'a> {
    /// Where a buyer stood.
    ///
    /// # Errors
    /// If these bytes are not what a buyer of this job kept.
    pub fn restore(mut self, kept: &[u8]) -> Result<Self, DecodeError> {
        let rest = kept.strip_prefix(PREFIX.as_bytes()).ok_or(DecodeError::Foreign(PREFIX))?;
        let mut r = Reader::new(rest);
        if Digest::decode(&mut r)? != self.job.id() {
            return Err(DecodeError::Value("the job of a sale"));
        }
        self.stage = match u8::decode(&mut r)? {
            0 => Stage::Open,
            1 => Stage::Undone,
            stage => {
                let bought = Box::new(run(&self, &mut r)?);
                let progress = match stage {
                    2 => Progress::Asked(asked(&mut r)?),
                    3 => Progress::Agreed(asked(&mut r)?),
                    4 => Progress::Released(ClaimSet::decode(&mut r)?),
                    5 => Progress::Paid(secret(&mut r)?),
                    _ => return Err(DecodeError::Value("the stage of a sale")),
                };
                Stage::Ran(bought, progress)
            }
        };
        r.finish()?;
        Ok(self)
    }

    /// What it keeps.
    pub(super) fn kept(&self) -> Kept {
        let mut out = Zeroizing::new(PREFIX.as_bytes().to_vec());
        self.job.id().encode(&mut out);
        match &self.stage {
            Stage::Open => out.push(0),
            Stage::Undone => out.push(1),
            Stage::Ran(bought, progress) => {
                out.push(match progress {
                    Progress::Asked(_) => 2,
                    Progress::Agreed(_) => 3,
                    Progress::Released(_) => 4,
                    Progress::Paid(_) => 5,
                });
                let [garbler, evaluator] = &bought.locked;
                for part in [&bought.receipt.to_bytes(), garbler, evaluator] {
                    Bytes::put(part, &mut out);
                }
                match progress {
                    Progress::Asked(asked) | Progress::Agreed(asked) => {
                        asked.until.encode(&mut out);
                        asked.answers.encode(&mut out);
                    }
                    Progress::Released(set) => set.encode(&mut out),
                    Progress::Paid(t) => out.extend_from_slice(&*t.to_bytes()),
                }
            }
        }
        Kept(out)
    }
}

fn run<'a>(buyer: &Buyer<'a>, r: &mut Reader<'_>) -> Result<Bought<'a>, DecodeError> {
    let receipt =
        Receipt::from_bytes(buyer.job, &Bytes::take(r)?).map_err(|_| DecodeError::Value("a receipt"))?;
    let locked = [Bytes::take(r)?, Bytes::take(r)?];
    Bought::of(buyer, receipt, locked).map_err(|_| DecodeError::Value("the run of a sale"))
}

fn asked(r: &mut Reader<'_>) -> Result<Asked, DecodeError> {
    Ok(Asked { until: Codec::decode(r)?, answers: Codec::decode(r)? })
}

fn secret(r: &mut Reader<'_>) -> Result<LockSecret, DecodeError> {
    let bytes = Zeroizing::new(Codec::decode(r)?);
    LockSecret::from_bytes(&bytes).ok_or(DecodeError::Value("the secret of a lock"))
}
