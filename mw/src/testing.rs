//! Proptest strategies and a toy chain, beside the types.
