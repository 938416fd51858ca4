//! Random bytes from the operating system: keys, their ids, and nonces.

use zeroize::Zeroizing;

/// Bytes asked of the system at once: a nonce is 12 bytes, and a question costs more than the bytes.
const POOL: usize = 1008;

/// The system gives no random bytes. Without them nothing can be sealed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the system gives no random bytes: {0}")]
pub struct NoDice(String);

type Source = Box<dyn FnMut(&mut [u8]) -> Result<(), NoDice> + Send>;

/// Random bytes of cryptographic quality. The only dice of this crate.
pub struct Dice {
    source: Source,
    pool: Zeroizing<[u8; POOL]>,
    used: usize,
}

impl std::fmt::Debug for Dice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dice")
    }
}

impl Dice {
    /// Dice with an empty pool.
    #[must_use]
    pub fn new() -> Self {
        Self::loaded(Box::new(fill))
    }

    /// Dice that fall as somebody wants: a simulation repeats itself with them. What they make protects nobody.
    #[must_use]
    pub fn loaded(source: Source) -> Self {
        Self { source, pool: Zeroizing::new([0; POOL]), used: POOL }
    }

    /// A key: straight from the system, never from the pool.
    ///
    /// # Errors
    /// The system gives none.
    pub fn key(&mut self) -> Result<Zeroizing<[u8; 32]>, NoDice> {
        let mut bytes = Zeroizing::new([0; 32]);
        (self.source)(bytes.as_mut_slice())?;
        Ok(bytes)
    }

    /// Bytes that are no secret: an id, a nonce.
    ///
    /// # Errors
    /// The system gives none.
    pub fn bytes<const N: usize>(&mut self) -> Result<[u8; N], NoDice> {
        if self.used + N > POOL {
            (self.source)(self.pool.as_mut_slice())?;
            self.used = 0;
        }
        let mut bytes = [0; N];
        bytes.copy_from_slice(&self.pool[self.used..self.used + N]);
        self.used += N;
        Ok(bytes)
    }
}

impl Default for Dice {
    fn default() -> Self {
        Self::new()
    }
}

fn fill(bytes: &mut [u8]) -> Result<(), NoDice> {
    getrandom::fill(bytes).map_err(|e| NoDice(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_nonce_comes_twice_across_the_borders_of_the_pool() {
        let mut dice = Dice::new();
        let all: std::collections::BTreeSet<[u8; 12]> = (0..1000).map(|_| dice.bytes().unwrap()).collect();
        assert_eq!(all.len(), 1000);
    }
}
