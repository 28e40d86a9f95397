//! Bills of materials: what images are made of, as SPDX and CycloneDX.
