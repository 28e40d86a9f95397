//! Keys, signatures, attestations, and policies that say who is believed.
