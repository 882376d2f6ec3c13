//! Scanning: taking over what the chain says.

use super::Wallet;
use crate::{
    keys::Account,
    scan::{
        self, ATTEMPTS, ChainSource, Key, Pass, Progress, RESTORE_GAP, ScanError, ScanReport, Search,
        same_up_to,
    },
    state::State,
    store::Store,
};
use sotto_mw::amount::Height;

impl<S: Store> Wallet<S> {
    /// Whether a restore was interrupted, so that a scan goes on with it.
    #[must_use]
    pub const fn is_restoring(&self) -> bool {
        self.state.search.is_some()
    }

    /// Looks at what has come and gone since the last scan, with the keys of all accounts; or goes on with a restore.
    ///
    /// # Errors
    /// [`ScanError`] when the source fails, moves, or is behind what this wallet has seen, or the result cannot be kept;
    /// nothing changes then.
    pub fn scan<C: ChainSource>(
        &mut self,
        source: &C,
        progress: &mut Progress<'_>,
    ) -> Result<ScanReport, ScanError<C::Error>> {
        if self.is_restoring() {
            return self.go_on(source, progress);
        }
        self.look(&self.state.clone(), source, progress)
    }

    /// Looks at everything with the keys of all accounts, and takes the chain as it is shown now, though this wallet has seen
    /// more of it, or another: only when its operator says that it went back.
    ///
    /// # Errors
    /// As [`Wallet::scan`], but that nothing was seen before; a restore on its way begins anew.
    pub fn accept<C: ChainSource>(
        &mut self,
        source: &C,
        progress: &mut Progress<'_>,
    ) -> Result<ScanReport, ScanError<C::Error>> {
        let before = self.state.without_chain();
        if self.is_restoring() {
            self.keep(before)?;
            return self.go_on(source, progress);
        }
        self.look(&before, source, progress)
    }

    /// Looks at what has come and gone since `before`.
    fn look<C: ChainSource>(
        &mut self,
        before: &State,
        source: &C,
        progress: &mut Progress<'_>,
    ) -> Result<ScanReport, ScanError<C::Error>> {
        for _ in 0..ATTEMPTS {
            let keys = self.known_keys(before, source)?;
            let mut pass = Pass::begin((&self.chain, before), keys, source)?;
            while !pass.advance(&before.outputs, source, progress)? {}
            if let Some((next, report)) = scan::conclude((&self.chain, before), &pass, None, source)? {
                // Looking at what has not changed writes nothing.
                if next != self.state {
                    self.keep(next)?;
                }
                return Ok(report);
            }
        }
        Err(ScanError::Moved)
    }

    /// Looks at everything from the block at `birthday` on, with the keys of all accounts and of [`RESTORE_GAP`] more, and of
    /// more again when one of those has money. How far it has come is kept: after an interruption [`Wallet::scan`] goes on.
    ///
    /// # Errors
    /// As [`Wallet::scan`].
    pub fn restore<C: ChainSource>(
        &mut self,
        birthday: Height,
        source: &C,
        progress: &mut Progress<'_>,
    ) -> Result<ScanReport, ScanError<C::Error>> {
        let accounts = self.accounts().saturating_add(RESTORE_GAP);
        let search = Some(Search::new(birthday, accounts));
        self.keep(State { search, ..self.state.clone() })?;
        self.go_on(source, progress)
    }

    fn go_on<C: ChainSource>(
        &mut self,
        source: &C,
        progress: &mut Progress<'_>,
    ) -> Result<ScanReport, ScanError<C::Error>> {
        let mut attempts = 0..ATTEMPTS;
        while let Some(search) = self.state.search.clone() {
            let before = search.birthday.minus(1);
            let keys = (0..search.accounts).map(|a| Key::owner(&self.root, Account(a), before)).collect();
            let mut pass = Pass::begin((&self.chain, &self.state), keys, source)?;
            while !pass.advance(&self.state.outputs, source, progress)? {
                if let Some(kept) = pass.so_far(&search) {
                    self.keep(State { search: Some(kept), ..self.state.clone() })?;
                }
            }
            let owners = pass.found.values().map(|o| o.account.0.saturating_add(1)).max();
            let accounts = owners.unwrap_or(0).max(self.accounts()).saturating_add(RESTORE_GAP);
            if accounts <= search.accounts {
                if let Some((next, report)) =
                    scan::conclude((&self.chain, &self.state), &pass, Some(before), source)?
                {
                    self.keep(next)?;
                    return Ok(report);
                }
                // A block has arrived.
                if attempts.next().is_none() {
                    break;
                }
            }
            let search = Search { accounts: accounts.max(search.accounts), ..pass.all(&search) };
            self.keep(State { search: Some(search), ..self.state.clone() })?;
        }
        Err(ScanError::Moved)
    }

    /// The keys of all accounts, and what need not be tried with them again.
    fn known_keys<C: ChainSource>(&self, state: &State, source: &C) -> Result<Vec<Key>, ScanError<C::Error>> {
        let same = same_up_to(&self.chain, source, (state.tip, state.tip_hash))?;
        let accounts = (0..).map(Account).zip(&state.accounts);
        Ok(accounts.map(|(a, info)| Key::owner(&self.root, a, info.searched.min(same))).collect())
    }
}
