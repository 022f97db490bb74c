//! The means on a phone: activation, devices, PIN, requests to approve.
