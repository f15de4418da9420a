//! The binary `berth`: reads its surroundings, once, and hands over. Everything else is in the library.

use std::process::ExitCode;

/// Roles make and drop many small things on several threads at once, which costs glibc's allocator, in the image's static
/// form most of all, a quarter of an agent's time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub(crate) fn main() -> ExitCode {
    // Fails only if somebody installed a provider before, and nobody can have.
    rustls::crypto::aws_lc_rs::default_provider().install_default().ok();
    let variable = |name: &str| std::env::var_os(name).and_then(|value| value.into_string().ok());
    let read = |path: &str| std::fs::read_to_string(path);
    berth_cli::dispatch::run(std::env::args_os(), &variable, &read)
}
