//! Oblivious transfer: the receiver gets one of two values, the sender does not learn which.
