//! Servers that die, come back empty, and connections that break. Follows with each transport.
