//! The activation of a phone, as a machine (identity §2.2, §2.3, §2.7.2).
//!
//! By contact data: a mail with a link, a page with a QR code, the key of the phone, six digits by SMS, a PIN. By card: a page of
//! the session with a QR code, the key of the phone, six digits that the phone shows and the page asks for, a PIN.

use crate::limits;
use crate::means::{ActivationMode, PhoneDevice};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The browser in which the page of the code is shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Opened {
    /// Hash of its cookie.
    pub browser: String,
    pub at_ms: i64,
}

/// The phone that read the code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BoundPhone {
    pub key: Value,
    pub device: PhoneDevice,
    pub at_ms: i64,
}

/// An activation as its row keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Activation {
    pub national_id: String,
    pub mode: ActivationMode,
    /// Random: all codes of this activation follow from it and the secret of the installation.
    pub seed: String,
    pub asked_ms: i64,
    pub opened: Option<Opened>,
    pub phone: Option<BoundPhone>,
    pub wrong_codes: u32,
    /// When the digits were right.
    pub proven_ms: Option<i64>,
    /// The means that it made.
    pub means_id: Option<String>,
}

/// Where an activation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ActivationStep {
    /// The link was sent, if there is whom to send it to.
    Asked,
    /// The page shows its code.
    Opened,
    /// A phone read the code; the six digits are waited for.
    PhoneBound,
    /// The digits were right; the PIN is waited for.
    Proven,
    /// The means is active.
    Done,
    /// Wrong digits too often, or too late: it starts anew.
    Over,
}

/// Why a step of an activation is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ActivationFault {
    /// The link was opened in another browser.
    Used,
    /// It is over, done, or not there yet.
    Over,
    /// The digits are wrong, and may be typed that often.
    WrongCode { left: u32 },
}

impl Activation {
    pub(crate) fn step(&self, now_ms: i64) -> ActivationStep {
        let late = |since: i64, most: i64| now_ms >= since.saturating_add(most);
        let over = self.wrong_codes >= limits::CODE_TRIES
            || match (self.proven_ms, &self.phone) {
                (Some(at), _) => late(at, limits::PIN_CHOICE_MS),
                (None, Some(phone)) => late(phone.at_ms, limits::CODE_MS),
                (None, None) => late(self.asked_ms, limits::LINK_MS),
            };
        if self.means_id.is_some() {
            ActivationStep::Done
        } else if over {
            ActivationStep::Over
        } else if self.proven_ms.is_some() {
            ActivationStep::Proven
        } else if self.phone.is_some() {
            ActivationStep::PhoneBound
        } else if self.opened.is_some() {
            ActivationStep::Opened
        } else {
            ActivationStep::Asked
        }
    }

    /// Binds the page to a browser: the link works once.
    pub(crate) fn open(&mut self, browser: &str, now_ms: i64) -> Result<(), ActivationFault> {
        if self.opened.is_some() {
            return Err(ActivationFault::Used);
        }
        if self.step(now_ms) != ActivationStep::Asked {
            return Err(ActivationFault::Over);
        }
        self.opened = Some(Opened { browser: browser.to_owned(), at_ms: now_ms });
        Ok(())
    }

    pub(crate) fn is_open_in(&self, browser: &str) -> bool {
        self.opened.as_ref().is_some_and(|opened| opened.browser == browser)
    }

    /// Number of the QR code that is shown now, and until when; `None` when none is.
    pub(crate) fn shown_code(&self, now_ms: i64) -> Option<(i64, i64)> {
        let opened = self.opened.as_ref().filter(|_| self.step(now_ms) == ActivationStep::Opened)?;
        let number = (now_ms - opened.at_ms).max(0) / limits::QR_MS;
        Some((number, opened.at_ms.saturating_add((number + 1) * limits::QR_MS)))
    }

    /// Whether the code of this number may still be read: it is shown, or was shown a moment ago.
    pub(crate) fn accepts_code(&self, number: i64, now_ms: i64) -> bool {
        let late = now_ms.saturating_sub(limits::QR_GRACE_MS);
        self.shown_code(now_ms).is_some_and(|(shown, _)| shown == number)
            || self.shown_code(late).is_some_and(|(shown, _)| shown == number)
    }

    pub(crate) fn bind(&mut self, key: Value, device: PhoneDevice, now_ms: i64) -> Result<(), ActivationFault> {
        if self.step(now_ms) != ActivationStep::Opened {
            return Err(ActivationFault::Over);
        }
        self.phone = Some(BoundPhone { key, device, at_ms: now_ms });
        Ok(())
    }

    /// Looks at the six digits. After an error too, the activation must be written.
    pub(crate) fn prove(&mut self, right: bool, now_ms: i64) -> Result<(), ActivationFault> {
        if self.step(now_ms) != ActivationStep::PhoneBound {
            return Err(ActivationFault::Over);
        }
        if !right {
            self.wrong_codes += 1;
            return Err(ActivationFault::WrongCode { left: limits::CODE_TRIES.saturating_sub(self.wrong_codes) });
        }
        self.proven_ms = Some(now_ms);
        Ok(())
    }

    pub(crate) fn finish(&mut self, means_id: &str, now_ms: i64) -> Result<(), ActivationFault> {
        if self.step(now_ms) != ActivationStep::Proven {
            return Err(ActivationFault::Over);
        }
        self.means_id = Some(means_id.to_owned());
        Ok(())
    }

    /// When its row may go: a page may still show the outcome for a while.
    pub(crate) fn due_ms(&self) -> i64 {
        self.asked_ms.saturating_add(limits::LINK_MS + limits::CODE_MS + limits::PIN_CHOICE_MS + limits::OUTCOME_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn activation() -> Activation {
        Activation {
            national_id: "810999000015".into(),
            mode: ActivationMode::ContactData,
            seed: "s".into(),
            asked_ms: 0,
            opened: None,
            phone: None,
            wrong_codes: 0,
            proven_ms: None,
            means_id: None,
        }
    }

    #[test]
    fn the_link_opens_in_one_browser_and_for_a_day() {
        let mut one = activation();
        assert_eq!(one.open("a", limits::LINK_MS), Err(ActivationFault::Over));
        assert_eq!(one.open("a", limits::LINK_MS - 1), Ok(()));
        assert!(one.is_open_in("a") && !one.is_open_in("b"));
        assert_eq!(one.open("b", limits::LINK_MS - 1), Err(ActivationFault::Used));
    }

    #[test]
    fn a_code_lasts_ninety_seconds_and_the_time_of_a_scan() {
        let mut one = activation();
        assert_eq!(one.shown_code(0), None);
        one.open("a", 1_000).unwrap();
        assert_eq!(one.shown_code(1_000), Some((0, 91_000)));
        assert_eq!(one.shown_code(91_000), Some((1, 181_000)));
        assert!(one.accepts_code(0, 90_999) && one.accepts_code(0, 100_999) && !one.accepts_code(0, 101_000));
        assert!(one.accepts_code(1, 91_000) && !one.accepts_code(1, 90_999));
        one.bind(Value::Null, PhoneDevice::default(), 91_000).unwrap();
        assert!(!one.accepts_code(0, 91_000) && !one.accepts_code(1, 91_000), "one phone only");
    }

    #[test]
    fn five_wrong_codes_end_it() {
        let mut one = activation();
        one.open("a", 0).unwrap();
        one.bind(Value::Null, PhoneDevice::default(), 0).unwrap();
        for left in [4, 3, 2, 1, 0] {
            assert_eq!(one.prove(false, 1), Err(ActivationFault::WrongCode { left }));
        }
        assert_eq!(one.prove(true, 1), Err(ActivationFault::Over));
        assert_eq!(one.step(1), ActivationStep::Over);
    }

    proptest! {
        /// Whatever order the calls come in, a means is made only after link, phone and digits, each in its time.
        #[test]
        fn no_step_is_left_out(calls in prop::collection::vec((0_i64..400_000, 0_u8..5, any::<bool>()), 1..16)) {
            let mut one = activation();
            let mut now = 0;
            let (mut opened, mut bound, mut proven) = (None, None, None);
            for (wait, call, right) in calls {
                now += wait;
                match call {
                    0 => if one.open("a", now).is_ok() { opened = Some(now) },
                    1 => if one.bind(Value::Null, PhoneDevice::default(), now).is_ok() { bound = Some(now) },
                    2 => if one.prove(right, now).is_ok() { prop_assert!(right); proven = Some(now) },
                    3 => prop_assert!(one.open("b", now).is_err() || opened.is_none()),
                    _ => if one.finish("m", now).is_ok() {
                        let proven = proven.unwrap();
                        prop_assert!(opened.is_some() && now - proven < limits::PIN_CHOICE_MS);
                        prop_assert!(proven - bound.unwrap() < limits::CODE_MS);
                    },
                }
                if one.opened.is_some() && opened.is_none() { opened = Some(now) }
            }
        }
    }
}
