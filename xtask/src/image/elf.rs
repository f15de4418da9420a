//! Whether a program can run in an image that has nothing else: read from its ELF header.

use anyhow::{Context as _, ensure};

use super::Platform;

/// Names the program that loads libraries: only what isn't static has it.
const PT_INTERP: u32 = 3;

/// Checks that `bytes` are a static program for `platform`.
pub(super) fn check(bytes: &[u8], platform: Platform) -> anyhow::Result<()> {
    let machine: u16 = match platform {
        Platform::Amd64 => 62,
        Platform::Arm64 => 183,
    };
    let is_elf = bytes.starts_with(b"\x7fELF\x02\x01");
    ensure!(is_elf, "is no 64-bit ELF program");
    let found = number(bytes, 18, 2)?;
    ensure!(
        found == u64::from(machine),
        "is for the machine {found}, not for {machine} ({})",
        platform.as_str()
    );
    let (start, size, count) = (number(bytes, 32, 8)?, number(bytes, 54, 2)?, number(bytes, 56, 2)?);
    for at in 0..count {
        let kind = number(bytes, start + at * size, 4)?;
        ensure!(kind != u64::from(PT_INTERP), "is not static: it asks for a loader of libraries");
    }
    Ok(())
}

/// A little-endian number of `length` bytes.
fn number(bytes: &[u8], at: u64, length: usize) -> anyhow::Result<u64> {
    let at = usize::try_from(at)?;
    let field = bytes.get(at..at + length).context("is cut off")?;
    Ok(field.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header with one program header of `kind`.
    fn program(machine: u8, kind: u8) -> Vec<u8> {
        let mut bytes = vec![0; 64 + 56];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        bytes[18] = machine;
        bytes[32] = 64;
        bytes[54] = 56;
        bytes[56] = 1;
        bytes[64] = kind;
        bytes
    }

    #[test]
    fn a_static_program_for_its_machine_is_taken_and_no_other() {
        check(&program(62, 1), Platform::Amd64).unwrap();
        check(&program(183, 1), Platform::Arm64).unwrap();
        for (bytes, expected) in [
            (program(62, 3), "is not static"),
            (program(183, 1), "is for the machine 183"),
            (b"#!/bin/sh".to_vec(), "is no 64-bit ELF"),
            (program(62, 1)[..60].to_vec(), "is cut off"),
        ] {
            assert!(check(&bytes, Platform::Amd64).unwrap_err().to_string().contains(expected));
        }
    }

    #[test]
    fn this_test_itself_is_not_static() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let platform = if cfg!(target_arch = "aarch64") { Platform::Arm64 } else { Platform::Amd64 };
        assert!(check(&own, platform).unwrap_err().to_string().contains("is not static"));
    }
}
