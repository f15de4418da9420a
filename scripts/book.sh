#!/bin/sh
# The book of docs/ as HTML, in the target folder; with mdBook, which is built once where it is not there.
set -eu
. "$(dirname -- "$0")/environment.sh"
cd "$ROOT"
version=0.4.52
mdbook=$CACHE/tools/bin/mdbook
if command -v mdbook >/dev/null 2>&1; then
    mdbook=$(command -v mdbook)
elif [ ! -x "$mdbook" ]; then
    say "installing mdBook $version into $CACHE/tools (some minutes)"
    cargo install --quiet --locked --root "$CACHE/tools" --version "$version" mdbook || die "could not install mdBook"
fi
pages=$CARGO_TARGET_DIR/book-pages
rm -rf "$pages"
cargo run --quiet --locked --package xtask -- book "$pages" || die "could not gather the pages"
MDBOOK_BOOK__SRC=$pages "$mdbook" build --dest-dir "$CARGO_TARGET_DIR/book"
say "the book begins at $CARGO_TARGET_DIR/book/index.html"
