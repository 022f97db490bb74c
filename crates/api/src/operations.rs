//! The operations of the API, one file each: a function whose first argument is the pass of who may call it.

mod bundle_answer;
mod changes;
mod described;
mod export;
mod export_parameters;
mod health;
mod history;
mod last_change;
mod match_practitioner;
mod match_question;
mod metadata;
mod metrics;
mod narrative;
mod openapi;
mod page;
mod postman;
mod preflight;
mod publish_files;
mod publish_log;
mod published_tree;
mod read;
mod resource_answer;
mod search;
mod subscriptions;
mod vread;

pub(crate) use changes::{changes, changes_at, changes_state};
pub(crate) use export::{export_file, export_of_type, export_status, remove_export, start_export, start_posted_export};
pub(crate) use health::{HealthDoor, health};
pub(crate) use history::{history_of_all, history_of_resource, history_of_type};
pub(crate) use match_practitioner::match_practitioner;
pub(crate) use metadata::metadata;
pub(crate) use metrics::{MetricsDoor, metrics};
pub(crate) use openapi::openapi;
pub(crate) use page::page;
pub(crate) use postman::postman;
pub(crate) use preflight::preflight;
pub(crate) use publish_files::{published_file, published_page, published_root};
pub(crate) use publish_log::{published_checkpoint, published_key, published_root_signature, published_tile};
pub(crate) use read::read;
pub(crate) use search::{search, search_by_form, search_by_posted_form};
pub(crate) use subscriptions::{
    create_subscription, delete_subscription, list_subscriptions, read_subscription, resend_subscription, subscription_events,
    subscription_status, subscription_statuses, update_subscription,
};
pub(crate) use vread::vread;
