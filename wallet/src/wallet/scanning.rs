//! Scanning: taking over what the chain says.

use super::Wallet;
use crate::{
    scan::{self, ChainSource, Progress, ScanError, ScanReport},
    store::Store,
};

impl<S: Store> Wallet<S> {
    /// Scans the chain with the keys of all accounts.
    ///
    /// # Errors
    /// [`ScanError`] when the source fails or moves, or the result cannot be kept; nothing changes then.
    pub fn scan<C: ChainSource>(
        &mut self,
        source: &C,
        progress: &mut Progress<'_>,
    ) -> Result<ScanReport, ScanError<C::Error>> {
        self.scan_accounts(self.state.accounts, source, progress)
    }

    /// Scans with [`scan::RESTORE_GAP`] more accounts than are known, again from there when one of those has money.
    ///
    /// # Errors
    /// As [`Wallet::scan`].
    pub fn restore<C: ChainSource>(
        &mut self,
        source: &C,
        progress: &mut Progress<'_>,
    ) -> Result<ScanReport, ScanError<C::Error>> {
        let mut all = ScanReport::default();
        loop {
            let known = self.state.accounts;
            let tried = known.saturating_add(scan::RESTORE_GAP);
            let report = self.scan_accounts(tried, source, progress)?;
            let found_amount =
                all.found_amount.checked_add(report.found_amount).unwrap_or(report.found_amount);
            all = ScanReport { found: all.found + report.found, found_amount, ..report };
            if self.state.accounts == known {
                return Ok(all);
            }
        }
    }

    fn scan_accounts<C: ChainSource>(
        &mut self,
        accounts: u32,
        source: &C,
        progress: &mut Progress<'_>,
    ) -> Result<ScanReport, ScanError<C::Error>> {
        let (next, report) = scan::scan((&self.root, &self.chain, &self.state), accounts, source, progress)?;
        self.keep(next)?;
        Ok(report)
    }
}
