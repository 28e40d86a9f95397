//! What `longshore cache` takes.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, Subcommand, ValueHint};

#[derive(Debug, Args)]
pub struct Cache {
    #[command(subcommand)]
    pub command: CacheCommand,
}

#[derive(Debug, Subcommand)]
pub enum CacheCommand {
    /// Show what is in the store and how much it takes
    Size,
    /// Remove what was used longest ago
    Gc(Gc),
    /// Read everything in the store again and remove what is damaged; exit 1 where something was
    Verify(VerifyStore),
    /// Write what the store holds into one archive
    Export(ExportStore),
    /// Take in an archive that `export` wrote; only one that you would have written yourself, since it says what builds made
    Import(ImportStore),
}

#[derive(Debug, Args)]
pub struct Gc {
    /// Until the store takes no more than this (`10GB`, `500MiB`) [default: $LONGSHORE_STORE_LIMIT]
    #[arg(long, value_name = "SIZE")]
    pub max_size: Option<Size>,
    /// What was not used for so long (`12h`, `30d`, `8w`) [default: 30d, where no size is given]
    #[arg(long, value_name = "AGE")]
    pub older_than: Option<Age>,
    /// Only say what would go
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct VerifyStore {
    /// Only say what is damaged
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

#[derive(Debug, Args)]
pub struct ExportStore {
    /// The archive, a folder for `longshore-store.tar`, or `-` for standard output
    #[arg(value_name = "FILE|DIR|-", value_hint = ValueHint::AnyPath)]
    pub to: PathBuf,
    /// What was used last, and no more than this (`2GB`)
    #[arg(long, value_name = "SIZE")]
    pub max_size: Option<Size>,
    /// Only what was used within this time (`7d`)
    #[arg(long, value_name = "AGE")]
    pub newer_than: Option<Age>,
}

#[derive(Debug, Args)]
pub struct ImportStore {
    /// The archive, or `-` for standard input
    #[arg(value_name = "FILE|-", value_hint = ValueHint::FilePath)]
    pub from: PathBuf,
}

/// So many bytes: `10GB` in powers of ten, as they are printed, `10GiB` in powers of two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Size(pub u64);

/// So many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Age(pub u64);

/// A number and its unit can't be read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("expected {expected}, found `{found}`")]
pub struct QuantityError {
    expected: &'static str,
    found: String,
}

impl FromStr for Size {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        const EXPECTED: &str = "a size such as `10GB`, `1.5GB` or `500MiB`";
        let unit = |unit: &str| {
            Some(match unit.to_ascii_lowercase().as_str() {
                "" | "b" => 1,
                "k" | "kb" => 1000,
                "m" | "mb" => 1_000_000,
                "g" | "gb" => 1_000_000_000,
                "t" | "tb" => 1_000_000_000_000,
                "kib" => 1 << 10,
                "mib" => 1 << 20,
                "gib" => 1 << 30,
                "tib" => 1 << 40,
                _ => return None,
            })
        };
        quantity(text, unit)
            .map(Self)
            .ok_or_else(|| QuantityError { expected: EXPECTED, found: text.to_owned() })
    }
}

impl FromStr for Age {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, QuantityError> {
        const EXPECTED: &str = "a time such as `12h`, `30d` or `8w`";
        let unit = |unit: &str| {
            Some(match unit {
                "s" => 1,
                "m" | "min" => 60,
                "h" => 60 * 60,
                "d" => 24 * 60 * 60,
                "w" => 7 * 24 * 60 * 60,
                _ => return None,
            })
        };
        quantity(text, unit)
            .map(Self)
            .ok_or_else(|| QuantityError { expected: EXPECTED, found: text.to_owned() })
    }
}

/// A number, with a fraction or without, and a unit.
fn quantity(text: &str, unit: impl Fn(&str) -> Option<u64>) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    let unit = unit(rest.trim_start())?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    if fraction.is_empty() || fraction.len() > 6 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part =
        u128::from(unit) * fraction.parse::<u128>().ok()? / 10_u128.pow(u32::try_from(fraction.len()).ok()?);
    whole.parse::<u64>().ok()?.checked_mul(unit)?.checked_add(u64::try_from(part).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("0", 0),
            ("4096", 4096),
            ("10GB", 10_000_000_000),
            ("10 gb", 10_000_000_000),
            ("1.5G", 1_500_000_000),
            ("500MiB", 500 << 20),
            ("1.25KiB", 1280),
        ] {
            assert_eq!(text.parse::<Size>().unwrap(), Size(bytes), "{text}");
        }
        for text in ["", "GB", "-1GB", "1.GB", ".5GB", "1.2.3GB", "10XB", "99999999999TB", "1e3"] {
            let error = text.parse::<Size>().unwrap_err().to_string();
            assert_eq!(error, format!("expected a size such as `10GB`, `1.5GB` or `500MiB`, found `{text}`"));
        }
    }

    #[test]
    fn ages() {
        for (text, seconds) in
            [("90s", 90), ("5min", 300), ("12h", 43_200), ("30d", 2_592_000), ("0.5d", 43_200)]
        {
            assert_eq!(text.parse::<Age>().unwrap(), Age(seconds), "{text}");
        }
        for text in ["30", "d", "30 days", "-1d", "1M"] {
            assert!(text.parse::<Age>().is_err(), "{text}");
        }
    }
}
