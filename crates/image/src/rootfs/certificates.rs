//! PEM certificates (RFC 7468): read with suspicion, written in one way.

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// The certificates in `text`, as DER.
pub(super) fn parse(text: &[u8]) -> Result<Vec<Vec<u8>>, &'static str> {
    let text = std::str::from_utf8(text).map_err(|_| "it is not text")?;
    let mut all = Vec::new();
    let mut rest = text;
    while let Some(begin) = rest.find(BEGIN) {
        let body = &rest[begin + BEGIN.len()..];
        let end = body.find(END).ok_or("a certificate has no `END CERTIFICATE`")?;
        let der = base64(&body[..end]).ok_or("a certificate is not base64")?;
        if !is_one_sequence(&der) {
            return Err("a certificate is not DER");
        }
        all.push(der);
        rest = &body[end + END.len()..];
    }
    if text.contains("PRIVATE KEY-----") {
        return Err("it holds a private key, which must not go into an image");
    }
    if all.is_empty() { Err("it holds no certificate") } else { Ok(all) }
}

/// Whether `der` is one DER sequence and nothing else (X.690, 8.1.3).
fn is_one_sequence(der: &[u8]) -> bool {
    let [0x30, first, rest @ ..] = der else { return false };
    if *first < 0x80 {
        return rest.len() == usize::from(*first);
    }
    let count = usize::from(first & 0x7f);
    let Some((length, body)) = rest.split_at_checked(count).filter(|_| (1..=4).contains(&count)) else {
        return false;
    };
    length.iter().fold(0_u64, |sum, &byte| sum << 8 | u64::from(byte)) == body.len() as u64
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(text: &str) -> Option<Vec<u8>> {
    let symbols: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let padding = symbols.iter().rev().take_while(|&&b| b == b'=').count();
    if !symbols.len().is_multiple_of(4) || padding > 2 {
        return None;
    }
    let mut bytes = Vec::with_capacity(symbols.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0);
    for symbol in &symbols[..symbols.len() - padding] {
        let value = ALPHABET.iter().position(|b| b == symbol)?;
        bits = (bits << 6 | u32::try_from(value).ok()?) & 0xff_ffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from(bits >> count & 0xff).ok()?);
        }
    }
    Some(bytes)
}

/// One certificate as PEM, 64 symbols a line.
pub(super) fn print(der: &[u8]) -> String {
    let mut symbols = String::with_capacity(der.len() * 4 / 3 + 4);
    for chunk in der.chunks(3) {
        let bits =
            chunk.iter().fold(0_u32, |sum, &byte| sum << 8 | u32::from(byte)) << (8 * (3 - chunk.len()));
        for n in 0..4 {
            let symbol = ALPHABET[(bits >> (18 - 6 * n) & 0x3f) as usize];
            symbols.push(if n <= chunk.len() { char::from(symbol) } else { '=' });
        }
    }
    let mut out = format!("{BEGIN}\n");
    for (n, symbol) in symbols.chars().enumerate() {
        if n > 0 && n % 64 == 0 {
            out.push('\n');
        }
        out.push(symbol);
    }
    out + "\n" + END + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_come_back_as_they_were() {
        for size in [0_u8, 1, 2, 3, 47, 48, 49, 120] {
            let der = [vec![0x30, size], (0..size).collect()].concat();
            let text = print(&der);
            assert!(text.lines().all(|line| line.len() <= 64), "{text}");
            assert_eq!(
                parse(format!("a comment\n{text}\n{text}").as_bytes()),
                Ok(vec![der.clone(), der]),
                "{size}"
            );
        }
    }

    #[test]
    fn what_is_no_certificate_is_refused() {
        let good = print(&[0x30, 1, 0]);
        for (text, reason) in [
            (String::new(), "it holds no certificate"),
            (good.replace("END", "ENd"), "a certificate has no `END CERTIFICATE`"),
            (good.replace("MAEA", "MA*A"), "a certificate is not base64"),
            (good.replace("MAEA", "MAEAAAAA"), "a certificate is not DER"),
            (
                format!("{good}-----BEGIN PRIVATE KEY-----\n"),
                "it holds a private key, which must not go into an image",
            ),
        ] {
            assert_eq!(parse(text.as_bytes()), Err(reason), "{text}");
        }
    }
}
