//! The frame of a tar file: what stands before and behind each file in it. Names that are too long for the old head come
//! in a record of their own, as GNU's tar and Python read it.

use bytes::Bytes;

const BLOCK: usize = 512;
/// The longest name that a head holds.
const MAX_NAME: usize = 100;

/// What stands before a file of that name and size.
pub(super) fn head(name: &str, bytes: u64) -> Bytes {
    let mut head = Vec::new();
    if name.len() > MAX_NAME {
        let long = [name.as_bytes(), b"\0"].concat();
        head.extend_from_slice(&block(b"././@LongLink", b'L', long.len() as u64));
        head.extend_from_slice(&long);
        head.extend_from_slice(&padding(long.len() as u64));
    }
    let end = name.floor_char_boundary(MAX_NAME);
    head.extend_from_slice(&block(&name.as_bytes()[..end], b'0', bytes));
    head.into()
}

/// What fills up the last block of a file.
pub(super) fn padding(bytes: u64) -> Bytes {
    let over = (bytes % BLOCK as u64) as usize;
    Bytes::from(vec![0; (BLOCK - over) % BLOCK])
}

/// What stands behind all files.
pub(super) fn end() -> Bytes {
    Bytes::from_static(&[0; 2 * BLOCK])
}

fn block(name: &[u8], kind: u8, bytes: u64) -> [u8; BLOCK] {
    let mut block = [0; BLOCK];
    let mut put = |at: usize, text: &[u8]| block[at..at + text.len()].copy_from_slice(text);
    put(0, name);
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    match format!("{bytes:011o}\0") {
        octal if octal.len() <= 12 => put(124, octal.as_bytes()),
        // From 8 GiB on, in binary, with a mark.
        _ => {
            put(124, &[0x80]);
            put(128, &bytes.to_be_bytes());
        }
    }
    put(136, b"00000000000\0");
    put(148, b"        ");
    put(156, &[kind]);
    put(257, b"ustar  \0");
    let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
    block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_fill_blocks_and_carry_name_size_and_sum() {
        let short = head("outputs/model.bin", 1_000);
        assert_eq!(
            (short.len(), &short[..17], &short[124..136]),
            (BLOCK, &b"outputs/model.bin"[..], &b"00000001750\0"[..])
        );
        let sum: u32 = short
            .iter()
            .enumerate()
            .map(|(at, byte)| if (148..156).contains(&at) { 32 } else { u32::from(*byte) })
            .sum();
        assert_eq!(&short[148..154], format!("{sum:06o}").as_bytes());
        assert_eq!(
            (padding(1_000).len(), padding(512).len(), padding(0).len(), end().len()),
            (24, 0, 0, 1_024)
        );
        let long = "ä".repeat(90);
        let head = head(&long, 1 << 40);
        assert_eq!((head.len(), head[156]), (3 * BLOCK, b'L'));
        assert_eq!(&head[BLOCK..BLOCK + 180], long.as_bytes());
        assert_eq!(head[2 * BLOCK + 124], 0x80);
    }
}
